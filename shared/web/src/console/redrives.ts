// A redrive of all dead letters, or of all with a reason. The API moves a hundred at most in a request.

import type { components } from "../api/schema.d.ts";

type Redrive = components["schemas"]["Redrive"];
type Page = Pick<components["schemas"]["RedriveView"], "redriven" | "message_ids" | "refused">;

/** Messages that a request moves at most. */
export const PAGE_SIZE = 100;
/** Messages that a request looks at to find those with its reason. */
const MOST_SEARCHED = 1000;

export interface Run {
  /** The request of each page. */
  body: Redrive;
  /** Messages that were moved. */
  sent: number;
  /** Dead letters of the consumer when it began. */
  total: number;
  /** Messages of the last page that stay. */
  refused: Page["refused"];
}

export function after(run: Run, { redriven, refused }: Page): Run {
  return { ...run, sent: run.sent + redriven, refused };
}

/** Whether the page that led to this run was the last one. What fails again at once is a dead letter again: it is not moved in a circle. */
export function isOver({ sent, total }: Run, { redriven, message_ids }: Page): boolean {
  const isLast = message_ids.length < PAGE_SIZE && total <= MOST_SEARCHED;
  return redriven === 0 || isLast || sent >= total;
}
