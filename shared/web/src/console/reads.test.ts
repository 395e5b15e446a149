import assert from "node:assert/strict";
import { test } from "node:test";

// What a browser has and Node.js lacks.
Object.assign(globalThis, { BroadcastChannel: class {}, document: { documentElement: {} }, location: { origin: "http://shop.example" } });
const { audit, byAge, deadLetters, orders, PAGE, stuckOrders } = await import("./reads.ts");

/** What a list tells its query of when to read again, after it has read pages of so many items. */
const stateOf = (...counts: number[]) => ({ state: { data: { pages: counts.map((length) => ({ items: Array.from({ length }), next_cursor: null })) } } });
const UNREAD = { state: { data: undefined } };

test("a list is read again while it shows one page", () => {
  for (const { refetchInterval } of [orders({}), stuckOrders(5), audit()]) {
    assert.deepEqual([stateOf(1), stateOf(PAGE, 1), UNREAD].map(refetchInterval), [10_000, false, false]);
  }
});

test("dead letters are not read again by themselves", () => {
  assert.equal("refetchInterval" in deadLetters("payment-charge", ""), false);
});

test("dead letters keep their order, whichever way the queue returns them", () => {
  const [older, newer] = ["2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"];
  const [one, two, three] = [{ id: "c", dead_since: older }, { id: "a", dead_since: newer }, { id: "b", dead_since: newer }] as const;
  assert.deepEqual([three, two, one].toSorted(byAge), [one, two, three]);
});
