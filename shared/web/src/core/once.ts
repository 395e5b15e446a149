// Idempotency keys: one for one intention, kept over all repetitions of its request, also after the page was loaded again.

import { setItem, tabStore, getItem } from "./storage.ts";

const PREFIX = "key:";

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The key of this request, the same until `forgetKey`. */
export async function keyOf(route: string, body: unknown): Promise<string> {
  const name = PREFIX + (await digest(route + JSON.stringify(body)));
  const known = getItem(tabStore, name);
  if (known) return known;
  const key = crypto.randomUUID();
  setItem(tabStore, name, key);
  return key;
}

/** After a final answer, the same request is another intention. */
export async function forgetKey(route: string, body: unknown): Promise<void> {
  setItem(tabStore, PREFIX + (await digest(route + JSON.stringify(body))), null);
}
