// The client of the API, typed by docs/openapi.json, and the cache of what was read.

import { QueryClient } from "@tanstack/preact-query";
import createClient from "openapi-fetch";
import type { components, paths } from "../api/schema.d.ts";
import { ApiError, retryDelay } from "./problem.ts";
import { authorizedFetch } from "./session.ts";

export type Schemas = components["schemas"];

export const api = createClient<paths>({ baseUrl: location.origin, fetch: authorizedFetch });

const MAX_TRIES = 3;

function isWorthRetrying(tries: number, error: Error): boolean {
  return error instanceof ApiError && error.isTemporary && tries < MAX_TRIES;
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: isWorthRetrying, retryDelay, staleTime: 10_000 },
    // A repetition is safe where the request has an Idempotency-Key or If-Match: `retry` is set there.
    mutations: { retry: false, networkMode: "always" },
  },
});

/** Options of mutations whose request has an Idempotency-Key among its variables. */
export const REPEATABLE = { retry: isWorthRetrying, retryDelay };
