// Invoice and credit notes of an order, by fresh links, because links to documents expire.

import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { api, MADE_LATER, type Schemas } from "../core/client.ts";
import { t } from "../core/i18n/index.ts";
import { unwrap } from "../core/problem.ts";
import { isProblemOf } from "../core/text.ts";
import { Loaded } from "./page.tsx";

const LINK_INTERVAL_MS = 240_000;
const NOTE_INTERVAL_MS = 5_000;

interface Props {
  order: Schemas["OrderView"];
  refunds: Schemas["PaymentView"]["refunds"];
  /** In place of an order without documents. */
  empty?: string;
}

export function Documents({ order: { id, version, history }, refunds, empty }: Props): JSX.Element | null {
  const path = { id };
  const isConfirmed = history.some(({ status }) => status === "processing");
  const invoice = useQuery({
    queryKey: ["invoice", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/orders/{id}/invoice", { params: { path }, signal })),
    enabled: isConfirmed,
    ...MADE_LATER,
    staleTime: LINK_INTERVAL_MS,
    refetchInterval: LINK_INTERVAL_MS,
  });
  const awaited = refunds.filter(({ status }) => status === "succeeded").length;
  const notes = useQuery({
    queryKey: ["credit-notes", id, version],
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/orders/{id}/credit-notes", { params: { path }, signal }))).items,
    // Without an invoice, the list is not found.
    enabled: invoice.data !== undefined && refunds.length > 0,
    // Each is made a moment after its refund.
    refetchInterval: ({ state }) => ((state.data?.length ?? 0) < awaited ? NOTE_INTERVAL_MS : LINK_INTERVAL_MS),
  });
  // Also between the tries, while it is being made.
  const isMissing = !invoice.data && (!isConfirmed || isProblemOf(invoice.failureReason, "not-found"));
  if (isMissing) return empty ? <p class="hint">{empty}</p> : null;
  return (
    <Loaded query={invoice}>
      {({ url }) => (
        <ul class="plain">
          <li>
            <a href={url} target="_blank" rel="noreferrer">
              {t().order.invoice}
            </a>
          </li>
          {notes.data?.map((note) => (
            <li key={note.number}>
              <a href={note.url} target="_blank" rel="noreferrer">
                {t().order.creditNote(note.number)}
              </a>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}
