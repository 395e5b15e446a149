// The time of the API. The clock of a browser may be wrong by days: what is compared with times of the API uses this one.

let known: { server: number; at: number } | null = null;

/** Takes the time from a response. Dates are of whole seconds, and one that a cache kept is old: the latest time counts. */
export function observe(response: Response): void {
  const server = Date.parse(response.headers.get("Date") ?? "");
  const at = performance.now();
  if (!Number.isNaN(server) && (known === null || server > known.server + at - known.at)) known = { server, at };
}

/** Milliseconds since 1970 by the clock of the API; by the browser's own before the first response. */
export function now(): number {
  return known === null ? Date.now() : known.server + performance.now() - known.at;
}
