import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { MutationObserver, QueryObserver } from "@tanstack/preact-query";

// What a browser has, and Node.js lacks or would wait for.
Object.assign(globalThis, { BroadcastChannel: class { postMessage(): void {} }, document: { documentElement: {} }, location: { origin: "http://shop.example" } });
Object.defineProperty(globalThis, "navigator", { value: { languages: [] } });
const { queries, REPEATABLE } = await import("./client.ts");

const SECOND_MS = 1_000;

afterEach(() => queries.clear());

/** A form that sends a password, and what the cache of mutations has of it. */
function formOf(send: (password: string) => Promise<void>) {
  const observer = new MutationObserver(queries, { ...REPEATABLE, mutationFn: send });
  const leave = observer.subscribe(() => {});
  return { observer, leave, kept: () => queries.getMutationCache().getAll().map(({ state }) => state.variables) };
}

test("what a form has sent is forgotten a second after the form is gone", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { observer, leave, kept } = formOf(async () => {});
  await observer.mutate("Harbour-1843");
  mock.timers.tick(SECOND_MS);
  assert.deepEqual(kept(), ["Harbour-1843"], "the form is shown, with its result");
  leave();
  mock.timers.tick(SECOND_MS);
  assert.deepEqual(kept(), []);
});

test("what a form sends is kept until the answer, also after the form is gone", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const { observer, leave, kept } = formOf(() => answered);
  const sent = observer.mutate("Harbour-1843");
  leave();
  mock.timers.tick(SECOND_MS);
  assert.deepEqual(kept(), ["Harbour-1843"]);
  answer();
  await sent;
  mock.timers.tick(SECOND_MS);
  assert.deepEqual(kept(), []);
});

test("a list that is read for the first time while something is added is read again", async () => {
  const answers: ((rows: string[]) => void)[] = [];
  const observer = new QueryObserver(queries, { queryKey: ["endpoints"], queryFn: () => new Promise<string[]>((resolve) => answers.push(resolve)) });
  const leave = observer.subscribe(() => {});
  const read = queries.invalidateQueries({ queryKey: ["endpoints"] });
  await new Promise(setImmediate);
  answers[0]?.([]);
  answers[1]?.(["added"]);
  await read;
  assert.deepEqual(observer.getCurrentResult().data, ["added"]);
  leave();
});
