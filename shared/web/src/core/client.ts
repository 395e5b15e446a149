// The client of the API, typed by docs/openapi.json, and the cache of what was read.

import { effect } from "@preact/signals";
import { type InvalidateOptions, type InvalidateQueryFilters, QueryClient, type QueryFilters, type QueryKey } from "@tanstack/preact-query";
import createClient from "openapi-fetch";
import type { components, paths } from "../api/schema.d.ts";
import { ApiError, retryDelay } from "./problem.ts";
import { authorizedFetch, caller } from "./session.ts";
import { isProblemOf } from "./text.ts";

export type Schemas = components["schemas"];

export const api = createClient<paths>({ baseUrl: location.origin, fetch: authorizedFetch });

const MAX_TRIES = 3;
// Variables of mutations may be passwords, codes and tokens. Not 0: a mutation that is still pending after its page is left would be
// rescheduled in a busy loop.
const MUTATION_KEPT_MS = 1_000;

function isWorthRetrying(tries: number, error: Error): boolean {
  return error instanceof ApiError && error.isTemporary && tries < MAX_TRIES;
}

const MAX_LATE_TRIES = 8;

/** Options of a query of what is made a moment after something that is there already. */
export const MADE_LATER = {
  retry: (tries: number, error: Error): boolean => (isProblemOf(error, "not-found") ? tries < MAX_LATE_TRIES : isWorthRetrying(tries, error)),
  retryDelay: (tries: number, error: Error): number => (isProblemOf(error, "not-found") ? 1_000 * 1.5 ** tries : retryDelay(tries, error)),
};

/** Also reads again what is being read for the first time, whose answer may be older than the change: the library waits for that one. */
class Queries extends QueryClient {
  override async invalidateQueries<K extends QueryKey = QueryKey>(filters?: InvalidateQueryFilters<K>, options?: InvalidateOptions): Promise<void> {
    const first = this.getQueryCache()
      .findAll(filters as QueryFilters)
      .filter(({ state }) => state.data === undefined && state.fetchStatus !== "idle");
    await Promise.all(first.map((query) => query.cancel({ revert: true })));
    return super.invalidateQueries(filters, options);
  }
}

export const queries = new Queries({
  defaultOptions: {
    queries: { retry: isWorthRetrying, retryDelay, staleTime: 10_000 },
    // A repetition is safe where the request has an Idempotency-Key or If-Match: `retry` is set there.
    mutations: { retry: false, networkMode: "always", gcTime: MUTATION_KEPT_MS },
  },
});

// What anybody may read.
const PUBLIC = new Set(["products", "product", "products-by-id", "categories"]);
let reader: string | null = null;

// What one person read is not shown to the next one. At once, before a page of the next one is drawn and reads.
effect(() => {
  const next = caller.value?.id ?? null;
  if (reader !== null && reader !== next) queries.removeQueries({ predicate: ({ queryKey }) => !PUBLIC.has(String(queryKey[0])) });
  reader = next;
});

/** Options of mutations whose request has an Idempotency-Key among its variables. */
export const REPEATABLE = { retry: isWorthRetrying, retryDelay };
