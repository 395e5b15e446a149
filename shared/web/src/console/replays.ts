// A replay of published events, page by page. What is left of one is kept, so that it goes on after a failure or in a page that is loaded again.

import type { components } from "../api/schema.d.ts";

export type Replay = components["schemas"]["Replay"];
type Page = Pick<components["schemas"]["ReplayView"], "replayed" | "event_ids" | "next_cursor">;

/** What a replay asks for, whichever of its pages. */
export type Selection = Omit<Replay, "cursor" | "dry_run" | "max">;

/** A replay that has begun. */
export interface Run {
  /** Id of the account that began it. */
  operator: string;
  selection: Selection;
  /** Where the next page begins; null for the first one. */
  cursor: string | null;
  /** Events that were sent. */
  sent: number;
  /** Events that the dry run found. */
  total: number;
}

/** What is read of the AsyncAPI document of the events. */
export interface EventDocument {
  operations: Record<string, { action: string; title: string }>;
}

/** The functions that receive events: a queue may have other messages, too, which cannot be replayed. */
export function receiversOf({ operations }: EventDocument): ReadonlySet<string> {
  return new Set(Object.values(operations).filter(({ action }) => action === "receive").map(({ title }) => title));
}

/** What a form asks for. Its times are of the browser's time zone; one that is none is left empty, which the form reports. */
export function selectionOf(values: Record<string, string>): Selection {
  const text = (name: string): string => values[name]?.trim() ?? "";
  const time = (name: string): string => (Number.isNaN(Date.parse(text(name))) ? "" : new Date(text(name)).toISOString());
  const types = text("/event_types").split(/[\s,]+/).filter(Boolean);
  return {
    consumer: text("/consumer"),
    reason: text("/reason"),
    from: time("/from"),
    to: time("/to"),
    ...(types.length > 0 ? { event_types: types } : {}),
    ...(text("/subject") ? { subject: text("/subject").toLowerCase() } : {}),
    ...(text("/per_second") ? { per_second: Number(text("/per_second")) } : {}),
  };
}

/** The request of the next page. */
export function pageOf({ selection, cursor }: Pick<Run, "selection" | "cursor">, dry_run: boolean): Replay {
  return { ...selection, dry_run, ...(cursor === null ? {} : { cursor }) };
}

/** What is left after a page; null after the last one. */
export function after(run: Run, page: Page): Run | null {
  return page.next_cursor == null ? null : { ...run, cursor: page.next_cursor, sent: run.sent + page.replayed };
}

/** A run as it was stored by the same operator; null for anything else. */
export function parseRun(text: string | null, operator: string | undefined): Run | null {
  if (text === null) return null;
  try {
    const run = JSON.parse(text) as Partial<Run> | null;
    return run?.selection && typeof run.sent === "number" && run.operator === operator ? (run as Run) : null;
  } catch {
    return null;
  }
}
