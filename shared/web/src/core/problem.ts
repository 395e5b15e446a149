// Failed requests as one type of error: a problem document (RFC 9457), or no response at all.

import type { components } from "../api/schema.d.ts";

export type Problem = components["schemas"]["Problem"];

/** What a screen knows of a failure. `type` is the last part of the problem type, or `offline` without a response. */
export class ApiError extends Error {
  readonly type: string;
  readonly status: number;
  readonly problem: Problem | null;
  readonly retryAfterS: number | null;

  constructor(status: number, problem: Problem | null, retryAfterS: number | null = null) {
    super(problem?.detail ?? (status === 0 ? "no response" : `status ${status}`));
    this.status = status;
    this.problem = problem;
    this.retryAfterS = retryAfterS;
    this.type = problem?.type.split("/").pop() ?? (status === 0 ? "offline" : "internal");
  }

  /** Whether the same request may succeed later: it then has to carry the same Idempotency-Key. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500 || this.type === "idempotency-key-in-flight";
  }
}

interface Outcome<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The response's body, or an ApiError thrown. */
export async function unwrap<T>(request: Promise<Outcome<T>>): Promise<T> {
  return (await unwrapWithTag(request)).data;
}

/** The response's body with its ETag, which a change sends as If-Match. */
export async function unwrapWithTag<T>(request: Promise<Outcome<T>>): Promise<{ data: T; tag: string }> {
  const { data, error, response } = await outcome(request);
  if (!response.ok) throw failure(response, error);
  return { data: data as T, tag: response.headers.get("ETag") ?? "" };
}

/** Like `unwrapWithTag`; null if the resource still is what `If-None-Match` of the request says. */
export async function unwrapIfChanged<T>(request: Promise<Outcome<T>>): Promise<{ data: T; tag: string } | null> {
  const done = await outcome(request);
  return done.response.status === 304 ? null : unwrapWithTag(Promise.resolve(done));
}

async function outcome<T>(request: Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, null);
  }
}

function failure(response: Response, body: unknown): ApiError {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(response.status, isProblem(body) ? body : null, Number.isFinite(seconds) ? seconds : null);
}

/** Whether the API refused this member of a request's body. */
export function rejects(error: unknown, pointer: string): boolean {
  return error instanceof ApiError && (error.problem?.errors ?? []).some((one) => one.pointer === pointer);
}

export function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "type" in body && "status" in body && "detail" in body;
}

/** Milliseconds before the next try: what the server asks for, else a growing and random delay. */
export function retryDelay(tries: number, error: Error): number {
  const asked = error instanceof ApiError ? error.retryAfterS : null;
  return asked === null ? Math.random() * Math.min(15_000, 500 * 2 ** tries) + 200 : Math.min(asked, 60) * 1000;
}

/** Whether a failure is the answer to the request, so that sending it again is another request. */
export function isFinal(error: unknown): boolean {
  return error instanceof ApiError && !error.isTemporary && error.status !== 401;
}
