import assert from "node:assert/strict";
import { test } from "node:test";
import { pauseAfter } from "./pace.ts";
import { after, isOver, type Run } from "./redrives.ts";

const page = (found: number, redriven = found) => ({ message_ids: Array.from({ length: found }, String), redriven, refused: [] });
const begun = (total: number): Run => ({ body: { action: "redrive", dry_run: false, reason: "The provider is back." }, sent: 0, total, refused: [] });

/** How many are moved by a redrive that gets these pages, and how many of the pages it asks for. */
function moved(total: number, pages: ReturnType<typeof page>[]): [sent: number, asked: number] {
  let run = begun(total);
  for (const [index, one] of pages.entries()) {
    run = after(run, one);
    if (isOver(run, one)) return [run.sent, index + 1];
  }
  return [run.sent, Number.NaN];
}

test("a redrive of all goes on until no dead letter is left", () => {
  assert.deepEqual(moved(250, [page(100), page(100), page(50)]), [250, 3]);
  assert.deepEqual(moved(3, [page(3)]), [3, 1]);
  // The number at the start is approximate.
  assert.deepEqual(moved(130, [page(100), page(20)]), [120, 2]);
});

test("a redrive of all ends when nothing moves, or when what fails again comes back", () => {
  assert.deepEqual(moved(150, [page(100, 50), page(100, 0)]), [50, 2]);
  assert.deepEqual(moved(100, [page(100), page(100)]), [100, 1]);
  assert.deepEqual(moved(150, [page(100), page(100), page(100)]), [200, 2]);
});

test("a redrive by reason goes on where a request has not looked at all dead letters", () => {
  assert.deepEqual(moved(5000, [page(40), page(60), page(0)]), [100, 3]);
});

test("a page is sent when the messages of the one before are delivered", () => {
  assert.equal(pauseAfter(100, null), 10_000);
  assert.equal(pauseAfter(100, 50), 2_000);
  assert.equal(pauseAfter(1, undefined), 100);
});
