import { useInfiniteQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { momentInSeconds, number } from "../core/i18n/index.ts";
import { Paged, Table } from "../ui/list.tsx";
import { unitsOf } from "./durations.ts";
import { Operator } from "./operator.tsx";
import { timeline } from "./reads.ts";
import { c } from "./texts/index.ts";

/** How long after something else. The clocks of two functions may differ, so that it may seem to be before. */
function after(ms: number): string {
  const units = unitsOf(Math.abs(ms)).map(([count, unit]) => (unit === "day" ? c().operations.days(count) : `${number(count)} ${unit}`));
  return c().operations.after((ms < 0 ? "−" : "") + units.join(" "));
}

/** Everything that happened about an order: who caused it, when it was published, and the consumers with their failed attempts. */
export function Timeline({ id }: { id: string }): JSX.Element {
  const list = useInfiniteQuery(timeline(id));
  return (
    <section>
      <h2>{c().operations.timeline}</h2>
      <Paged query={list} empty={c().operations.notRecorded}>
        {(items) => (
          <Table caption={c().operations.timeline} head={[c().time, c().operations.event, c().operations.consumer]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>
                  {momentInSeconds(one.occurred_at)} {one.since_previous_ms !== null && <span class="hint">{after(one.since_previous_ms)}</span>}
                </td>
                <td>
                  <details>
                    <summary>
                      {one.type} {one.actor && <span class="hint">{c().operations.by(c().codes.roles[one.actor.role] ?? one.actor.role)}</span>}
                    </summary>
                    {one.actor && (
                      <p>
                        {c().operations.actor}: {one.actor.role === "service" ? one.actor.id : <Operator id={one.actor.id} />}
                      </p>
                    )}
                    {one.published_at && (
                      <p>
                        {c().operations.published}: {momentInSeconds(one.published_at)}
                      </p>
                    )}
                    <pre>{JSON.stringify({ source: one.source, correlation_id: one.correlation_id, trace_id: one.trace_id, data: one.data }, null, 2)}</pre>
                  </details>
                </td>
                <td>
                  <ul class="plain">
                    {one.deliveries.map(({ consumer, handled_at, after_ms, failed_attempts, last_failure, dead_lettered_at }) => (
                      <li key={consumer}>
                        {consumer} <span class={handled_at ? "hint" : "few"}>{handled_at ? after(after_ms ?? 0) : c().operations.open}</span>
                        {last_failure && <span class="hint"> {c().operations.failed(failed_attempts, last_failure)}</span>}
                        {dead_lettered_at && (
                          <>
                            {" "}
                            <a href={`/console/operations/${consumer}`}>{c().operations.deadSince(momentInSeconds(dead_lettered_at))}</a>
                          </>
                        )}
                      </li>
                    ))}
                  </ul>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}
