// Server time. Use it to compare with times from the API, because the clock of a browser may be wrong by days.

let known: { server: number; at: number } | null = null;

/** Learns the server time from a response. `Date` has whole seconds and is old in a cached response, so the latest time counts. */
export function syncWith(response: Response): void {
  const server = Date.parse(response.headers.get("Date") ?? "");
  const at = performance.now();
  if (!Number.isNaN(server) && (known === null || server > known.server + at - known.at)) known = { server, at };
}

/** Milliseconds since 1970 by the clock of the API; by the browser's own before the first response. */
export function now(): number {
  return known === null ? Date.now() : known.server + performance.now() - known.at;
}
