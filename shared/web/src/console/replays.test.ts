import assert from "node:assert/strict";
import { test } from "node:test";
import { after, pageOf, parseRun, receiversOf, selectionOf } from "./replays.ts";

const VALUES = { "/consumer": "product-index", "/reason": " a defect ", "/from": "2026-11-21T08:00", "/to": "2026-11-21T09:00:30" };

test("a form asks for what it names, and leaves out what is empty", () => {
  const [from, to] = [new Date("2026-11-21T08:00").toISOString(), new Date("2026-11-21T09:00:30").toISOString()];
  assert.deepEqual(selectionOf({ ...VALUES, "/event_types": " ", "/subject": "", "/per_second": "" }), { consumer: "product-index", reason: "a defect", from, to });
  const all = selectionOf({ ...VALUES, "/event_types": "OrderPlaced.v1, OrderConfirmed.v1", "/subject": " 0192F0C1 ", "/per_second": "5" });
  assert.deepEqual([all.event_types, all.subject, all.per_second], [["OrderPlaced.v1", "OrderConfirmed.v1"], "0192f0c1", 5]);
  assert.equal(selectionOf({ ...VALUES, "/from": "" }).from, "");
});

test("each page begins where the one before ended, and a dry run asks for the same", () => {
  const selection = selectionOf(VALUES);
  const run = { operator: "o", selection, cursor: null, sent: 0, total: 3 };
  assert.deepEqual(pageOf(run, true), { ...selection, dry_run: true });
  const next = after(run, { replayed: 2, event_ids: ["a", "b"], next_cursor: "c" });
  assert.deepEqual(next, { ...run, cursor: "c", sent: 2 });
  assert.deepEqual(next && pageOf(next, false), { ...selection, dry_run: false, cursor: "c" });
  assert.equal(next && after(next, { replayed: 1, event_ids: ["d"], next_cursor: null }), null);
});

test("a run that was stored goes on for the operator who began it, and for nobody else", () => {
  const run = { operator: "o", selection: selectionOf(VALUES), cursor: "c", sent: 2, total: 3 };
  assert.deepEqual(parseRun(JSON.stringify(run), "o"), run);
  for (const text of [null, "", "null", "{}", "[]", JSON.stringify({ ...run, operator: "other" })]) assert.equal(parseRun(text, "o"), null, String(text));
});

test("functions that send events do not receive them", () => {
  const operations = { "payment-charge-receive": { action: "receive", title: "payment-charge" }, "orders-send": { action: "send", title: "orders" } };
  assert.deepEqual([...receiversOf({ operations })], ["payment-charge"]);
});
