import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, isFinal, rejects, retryDelay, unwrap, unwrapIfChanged } from "./problem.ts";

const problem = (type: string, status: number) => ({ type: `/problems/${type}`, title: "", status, detail: "", instance: "/", trace_id: "1" });

test("a request without a response, with a 429 or a 5xx may be repeated, no other", () => {
  for (const status of [0, 429, 500, 503]) assert.equal(isFinal(new ApiError(status, null)), false, String(status));
  for (const status of [400, 404, 409, 412, 422]) assert.equal(isFinal(new ApiError(status, null)), true, String(status));
  assert.equal(isFinal(new ApiError(409, problem("idempotency-key-in-flight", 409))), false);
  // After a new login the same request is sent again.
  assert.equal(isFinal(new ApiError(401, problem("unauthenticated", 401))), false);
});

test("the server decides how long to wait, at most a minute; else the delay grows", () => {
  assert.equal(retryDelay(0, new ApiError(429, null, 7)), 7_000);
  assert.equal(retryDelay(0, new ApiError(503, null, 3_600)), 60_000);
  for (const tries of [0, 3, 20]) assert.ok(retryDelay(tries, new ApiError(503, null)) <= 15_200);
});

test("a failed response is thrown with its problem and its Retry-After", async () => {
  const response = new Response(null, { status: 429, headers: { "Retry-After": "5" } });
  const error = await unwrap(Promise.resolve({ error: problem("rate-limited", 429), response })).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.type, error.status, error.retryAfterS], ["rate-limited", 429, 5]);
});

test("a member that the API refused is found by its pointer", () => {
  const refused = new ApiError(422, { ...problem("validation", 422), errors: [{ pointer: "/amount/amount", detail: "must be between 1 and 5" }] });
  assert.deepEqual([rejects(refused, "/amount/amount"), rejects(refused, "/reason"), rejects(new ApiError(0, null), "/reason"), rejects(null, "/reason")], [true, false, false, false]);
});

test("no response is the type offline, and a 304 is no failure", async () => {
  const error = await unwrap(Promise.reject(new TypeError("Failed to fetch"))).catch((thrown: unknown) => thrown);
  assert.equal((error as ApiError).type, "offline");
  assert.equal(await unwrapIfChanged(Promise.resolve({ response: new Response(null, { status: 304 }) })), null);
});
