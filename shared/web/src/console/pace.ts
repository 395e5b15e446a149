/** Deliveries a second, if a request names no rate: the default of the API. */
const DEFAULT_RATE = 10;

/** Milliseconds before the next page: the API delays the messages of a page, and would begin again with those of the next one. */
export const pauseAfter = (delivered: number, perSecond: number | null | undefined): number => (delivered / (perSecond ?? DEFAULT_RATE)) * 1000;
