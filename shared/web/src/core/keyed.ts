import { useMutation } from "@tanstack/preact-query";
import { REPEATABLE } from "./client.ts";
import { forgetKey, keyOf } from "./once.ts";
import { isFinal } from "./problem.ts";

interface Events<B, T> {
  onSuccess?: (answer: T, body: B) => unknown;
  onError?: (error: Error, body: B) => unknown;
  onSettled?: () => unknown;
  /** What makes a repeated body another intention, such as the version of what it changes. */
  about?: string | number;
}

/** A request with an Idempotency-Key: the same key for the same body until the answer is final, however often it is sent. */
export function useKeyed<B, T>(route: string, send: (body: B, key: string) => Promise<T>, events: Events<B, T> = {}) {
  const name = `${route} ${events.about ?? ""}`;
  return useMutation<T, Error, B>({
    ...REPEATABLE,
    mutationFn: async (body) => send(body, await keyOf(name, body)),
    onSuccess: async (answer, body) => {
      await forgetKey(name, body);
      await events.onSuccess?.(answer, body);
    },
    onError: async (error, body) => {
      if (isFinal(error)) await forgetKey(name, body);
      await events.onError?.(error, body);
    },
    onSettled: () => events.onSettled?.(),
  });
}

/** The same for a button: its next request has the same key until the answer is final. */
export async function sendKeyed<T>(name: string, send: (key: string) => Promise<T>): Promise<T> {
  try {
    const answer = await send(await keyOf(name, null));
    await forgetKey(name, null);
    return answer;
  } catch (error) {
    if (isFinal(error)) await forgetKey(name, null);
    throw error;
  }
}
