// What operators look at first: queues, stuck orders, and who did what.

import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Schemas } from "../../core/client.ts";
import { momentInSeconds, number } from "../../core/i18n/index.ts";
import { Paged, Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { Audit } from "../audit.tsx";
import { queues, stuckOrders } from "../reads.ts";
import { c } from "../texts/index.ts";
import { isStopped } from "./consumer-state.tsx";

export function OperationsPage(): JSX.Element {
  return (
    <div class="wide-sections">
      <Title>{c().operations.title}</Title>
      <p class="actions">
        <a class="button" href="/console/operations/replay">
          {c().replay.title}
        </a>
      </p>
      <Queues />
      <StuckOrders />
      <Audit />
    </div>
  );
}

function Queues(): JSX.Element {
  const query = useQuery(queues());
  // A paused consumer is shown without messages, too, so that nobody forgets it.
  const isBusy = ({ state, waiting, in_flight, delayed, dead_letters }: Schemas["QueueView"]): boolean => waiting + in_flight + delayed + dead_letters > 0 || isStopped(state);
  const [isWhole, setWhole] = useState(false);
  return (
    <section>
      <h2>{c().operations.queues}</h2>
      <Loaded query={query}>
        {(items) => {
          const shown = isWhole ? items : items.filter(isBusy);
          return (
            <>
              <label class="check">
                <input type="checkbox" checked={isWhole} onChange={(event) => setWhole(event.currentTarget.checked)} /> {c().operations.all}
              </label>
              {shown.length === 0 ? (
                <p class="empty">{c().operations.quiet}</p>
              ) : (
                <Table caption={c().operations.queues} head={[c().operations.consumer, c().operations.state, { number: c().operations.waiting }, { number: c().operations.inFlight }, { number: c().operations.delayed }, { number: c().operations.dead }]}>
                  {shown.map((one) => (
                    <tr key={one.name}>
                      <td>
                        <a href={`/console/operations/${one.name}`}>{one.name}</a>
                      </td>
                      <td class={isStopped(one.state) ? "error" : undefined}>{one.state ? c().operations.states[one.state] : "–"}</td>
                      <td class="amount">{one.has_queue ? number(one.waiting) : "–"}</td>
                      <td class="amount">{one.has_queue ? number(one.in_flight) : "–"}</td>
                      <td class="amount">{one.has_queue ? number(one.delayed) : "–"}</td>
                      <td class={one.dead_letters > 0 ? "amount error" : "amount"}>{number(one.dead_letters)}</td>
                    </tr>
                  ))}
                </Table>
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

/** As scripts/ops and the API have it by default. */
const LATE_MINUTES = 5;

function StuckOrders(): JSX.Element {
  const list = useInfiniteQuery(stuckOrders(LATE_MINUTES));
  return (
    <section>
      <h2>{c().operations.stuck(LATE_MINUTES)}</h2>
      <Paged query={list} empty={c().operations.noneStuck}>
        {(items) => (
          <Table caption={c().operations.stuck(LATE_MINUTES)} head={[c().operations.placed, c().id, c().status, c().operations.next, c().operations.until]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>{momentInSeconds(one.placed_at)}</td>
                <td>
                  <a href={`/console/orders/${one.id}`}>{one.id}</a>
                </td>
                <td>{one.status_reason && (c().codes.orderReasons[one.status_reason] ?? one.status_reason)}</td>
                <td>
                  {c().operations.steps[one.next_step] ?? one.next_step} <span class="hint">{one.functions.join(", ")}</span>
                </td>
                <td>{one.cancelled_at ? momentInSeconds(one.cancelled_at) : "–"}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}
