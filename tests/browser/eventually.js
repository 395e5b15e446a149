// A wait with an end: what happens behind the pages is looked for again and again.
import { setTimeout } from "node:timers/promises";

const DEADLINE_MS = 60_000;
const INTERVAL_MS = 200;

/** Calls `look` until it returns something true, and returns that. `what` is what the error says was waited for. */
export async function eventually(what, look, deadlineMs = DEADLINE_MS) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() >= end) throw new Error(`${what}: not within ${deadlineMs / 1000} s`);
    await setTimeout(INTERVAL_MS);
  }
}
