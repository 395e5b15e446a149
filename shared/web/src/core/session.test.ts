import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

// What a browser has, and Node.js lacks or would wait for.
Object.assign(globalThis, { BroadcastChannel: class { postMessage(): void {} } });
Object.defineProperty(globalThis, "navigator", { value: { locks: { request: (_name: string, run: () => unknown) => run() } } });
const { ApiError } = await import("./problem.ts");
const { authorizedFetch, caller, dropSession, isExpired, logIn, logOut } = await import("./session.ts");

/** The API: who the cookie belongs to, tokens that it refuses, those that requests came with, and whether it can be reached. */
const server = { cookie: "", issued: 0, refused: "", used: [] as string[], isDown: false };

const tokenOf = (sub: string): string => `${++server.issued}.${btoa(JSON.stringify({ sub }))}.x`;
const json = (body: object, status = 200): Response => new Response(JSON.stringify(body), { status });
const problem = (type: string, status: number): Response => json({ type: `/problems/${type}`, status, detail: "" }, status);

/** Ends the session of a valid token, or of the cookie of a request that a script has sent. */
function endSession(headers: Headers): Response {
  const token = headers.get("Authorization")?.replace("Bearer ", "") ?? "";
  const isValid = token !== "" && token !== server.refused;
  if (!isValid && server.cookie === "") return problem("unauthenticated", 401);
  if (!isValid && !headers.has("X-Requested-With")) return problem("cross-site-request", 403);
  server.cookie = "";
  return new Response(null, { status: 204 });
}

globalThis.fetch = async (input, init) => {
  if (server.isDown) throw new TypeError("Failed to fetch");
  const { url } = input instanceof Request ? input : { url: String(input) };
  if (url.endsWith("/users/logout")) return endSession(new Headers(init?.headers));
  if (!(input instanceof Request)) return json({ access_token: tokenOf(server.cookie), expires_in: 900 });
  const token = input.headers.get("Authorization")?.replace("Bearer ", "") ?? "";
  server.used.push(token);
  return token === server.refused ? problem("unauthenticated", 401) : json({});
};

async function enter(name: string): Promise<string> {
  server.cookie = name;
  await logIn({ name, password: "x" });
  return caller.value?.token ?? "";
}

const order = (): Promise<Response> => authorizedFetch(new Request("http://shop.example/api/v1/orders", { method: "POST", body: "{}" }));

/** An order of ann, whose token is refused after bea has logged in by another tab. */
async function orderAfterOther(): Promise<{ token: string; answer: Promise<Response> }> {
  const token = await enter("ann");
  Object.assign(server, { cookie: "bea", refused: token });
  const answer = order();
  while (!isExpired.value) await new Promise(setImmediate);
  return { token, answer };
}

beforeEach(() => {
  dropSession();
  Object.assign(server, { refused: "", used: [], isDown: false });
});

test("a request whose token is refused is sent again with a new one", async () => {
  const token = await enter("ann");
  server.refused = token;
  assert.equal((await order()).status, 200);
  assert.deepEqual(server.used, [token, caller.value?.token]);
});

test("the cookie of another account ends the session of this tab, which sends nothing", async () => {
  const { token, answer } = await orderAfterOther();
  assert.deepEqual([caller.value?.id, server.used], ["ann", [token]]);
  dropSession();
  assert.equal((await answer).status, 401);
  assert.deepEqual([caller.value, server.used], [null, [token]]);
});

test("after that, only a login of the same person sends the request again", async () => {
  const { token, answer } = await orderAfterOther();
  const renewed = await enter("ann");
  assert.equal((await answer).status, 200);
  assert.deepEqual(server.used, [token, renewed]);

  dropSession();
  server.used = [];
  const other = await orderAfterOther();
  await enter("bea");
  assert.equal((await other.answer).status, 401);
  assert.deepEqual([caller.value?.id, server.used], ["bea", [other.token]]);
});

test("a request that was under way when somebody else logged in is not sent again", async () => {
  const token = await enter("ann");
  server.refused = token;
  const answer = order();
  await enter("bea");
  assert.equal((await answer).status, 401);
  assert.deepEqual(server.used, [token]);
});

test("a logout with an expired token ends the session of the cookie", async () => {
  server.refused = await enter("ann");
  await logOut();
  assert.deepEqual([caller.value, server.cookie], [null, ""]);
});

test("a logout without a valid token or cookie has nothing to end", async () => {
  server.refused = await enter("ann");
  server.cookie = "";
  await logOut();
  assert.equal(caller.value, null);
});

test("a logout that does not reach the API fails and keeps the session", async () => {
  await enter("ann");
  server.isDown = true;
  await assert.rejects(logOut(), (error) => error instanceof ApiError && error.type === "offline");
  assert.deepEqual([caller.value?.id, server.cookie], ["ann", "ann"]);
});
