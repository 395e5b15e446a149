import assert from "node:assert/strict";
import { test } from "node:test";
import { editableMembers, editOf, redriveOf } from "./edits.ts";

const VALUES = { "/patch/0/path": "/data/reason", "/patch/0/value": " timed out ", "/reason": " a typo " };

test("each member is offered once, and first what is wrong", () => {
  const deadLetters = [
    { detail: null, editable: ["/data/name", "/data/city"] },
    { detail: "/data/text must be a string", editable: ["/data/city", "/data/text"] },
    { detail: "/data/order_id must be a UUID", editable: [] },
  ];
  assert.deepEqual(editableMembers(deadLetters), ["/data/text", "/data/name", "/data/city"]);
  assert.deepEqual(editableMembers([]), []);
});

test("an edit is a dry run that keeps the value as it was typed", () => {
  const patch = [{ op: "replace", path: "/data/reason", value: " timed out " }];
  assert.deepEqual(editOf(["m-1"], VALUES), { action: "redrive", reason: "a typo", dry_run: true, message_ids: ["m-1"], patch });
  assert.equal(editOf([], VALUES).message_ids, null);
});

test("what was shown is redriven, and nothing else", () => {
  const event = { id: "e", type: "T.v1", subject: "s", occurred_at: "", order_id: null, correlation_id: "c", data: {} };
  const shown = editOf([], VALUES);
  assert.deepEqual(redriveOf(shown, { edited: [{ message_id: "m-2", event }] }), { ...shown, dry_run: false, message_ids: ["m-2"] });
});
