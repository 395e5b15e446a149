// What operators look at first: queues and dead letters, stuck orders, and who did what.

import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, queries, type Schemas } from "../../core/client.ts";
import { moment } from "../../core/i18n/index.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { Field, Form } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { audit, deadLetters, queues, stuckOrders } from "../reads.ts";
import { c } from "../texts/index.ts";

export function OperationsPage(): JSX.Element {
  return (
    <div class="wide-sections">
      <Title>{c().operations.title}</Title>
      <Queues />
      <StuckOrders />
      <Audit />
    </div>
  );
}

function isStopped(state: Schemas["QueueView"]["state"]): boolean {
  return state === "paused" || state === "changing";
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
                      <td class="amount">{one.has_queue ? one.waiting : "–"}</td>
                      <td class="amount">{one.has_queue ? one.in_flight : "–"}</td>
                      <td class="amount">{one.has_queue ? one.delayed : "–"}</td>
                      <td class={one.dead_letters > 0 ? "amount error" : "amount"}>{one.dead_letters}</td>
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

const LATE_MINUTES = 15;

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
                <td>{moment(one.placed_at)}</td>
                <td>
                  <a href={`/console/orders/${one.id}`}>{one.id}</a>
                </td>
                <td>{one.status_reason}</td>
                <td>
                  {one.next_step} <span class="hint">{one.functions.join(", ")}</span>
                </td>
                <td>{one.cancelled_at ? moment(one.cancelled_at) : "–"}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}

function Audit(): JSX.Element {
  const list = useInfiniteQuery(audit());
  return (
    <section>
      <h2>{c().operations.audit}</h2>
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().operations.audit} head={[c().time, c().operations.action, c().operations.target, c().reason, c().operations.outcome]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>{moment(one.at)}</td>
                <td>{one.action}</td>
                <td>{one.target}</td>
                <td>{one.reason}</td>
                <td>
                  <code>{JSON.stringify(one.outcome)}</code>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}

/** One consumer: its state, its dead letters, and their way back to its queue. */
export function DeadLettersPage({ name }: { name: string }): JSX.Element {
  const list = useInfiniteQuery(deadLetters(name));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <div class="wide-sections">
      <Title>{c().operations.deadLetters(name)}</Title>
      <p>
        <a href="/console/operations">{c().operations.title}</a>
      </p>
      <ConsumerState name={name} />
      <Paged query={list} empty={c().operations.noneDead}>
        {(items) => (
          <>
            <Table caption={c().operations.deadLetters(name)} head={[c().operations.choose, c().operations.since, c().reason, c().operations.event, c().operations.order]}>
              {items.map((one) => (
                <tr key={one.id}>
                  <td>
                    <input type="checkbox" aria-label={`${c().operations.choose} ${one.id}`} checked={chosen.has(one.id)} onChange={() => toggle(one.id)} />
                  </td>
                  <td>{moment(one.dead_since)}</td>
                  <td>
                    <strong>{one.reason}</strong> {one.detail}
                  </td>
                  <td>
                    {one.event?.type}
                    {one.event && (
                      <details>
                        <summary>{c().show}</summary>
                        <pre>{JSON.stringify(one.event.data, null, 2)}</pre>
                      </details>
                    )}
                  </td>
                  <td>{one.event?.order_id ? <a href={`/console/orders/${one.event.order_id}`}>{one.event.order_id}</a> : "–"}</td>
                </tr>
              ))}
            </Table>
            <RedriveForm name={name} chosen={[...chosen]} onDone={() => setChosen(new Set())} />
          </>
        )}
      </Paged>
    </div>
  );
}

function RedriveForm({ name, chosen, onDone }: { name: string; chosen: string[]; onDone: () => void }): JSX.Element {
  const redrive = (body: Schemas["Redrive"], key: string): Promise<Schemas["RedriveView"]> => unwrap(api.POST("/api/v1/ops/queues/{name}/redrive", { params: { path: { name }, header: { "Idempotency-Key": key } }, body }));
  const redriving = useKeyed(`POST /ops/queues/${name}/redrive`, redrive, {
    onSuccess: async (_, { dry_run }) => {
      if (dry_run) return;
      onDone();
      await queries.invalidateQueries({ predicate: ({ queryKey }) => ["dead-letters", "queues", "audit"].includes(String(queryKey[0])) });
    },
  });
  const submit = (values: Record<string, string>): void => {
    const per_second = values["/per_second"] ? Number(values["/per_second"]) : null;
    redriving.mutate({ reason: values["/reason"]?.trim() ?? "", dry_run: values["/dry_run"] !== undefined, per_second, message_ids: chosen.length > 0 ? chosen : null });
  };
  const { data } = redriving;
  return (
    <section class="box">
      <h2>{c().operations.redrive}</h2>
      <p>{chosen.length > 0 ? c().operations.redriveChosen(chosen.length) : c().operations.redriveAll}</p>
      <Form submit={c().operations.redrive} isBusy={redriving.isPending} error={redriving.error} onSubmit={submit}>
        <Field name="/reason" label={c().reason} hint={c().operations.reasonHint} required />
        <Field name="/per_second" label={c().operations.perSecond} type="number" min={1} />
        <label class="check">
          <input type="checkbox" name="/dry_run" /> {c().operations.dryRun}
        </label>
      </Form>
      <div role="status">{data && <p class="notice good">{data.action_id === null ? c().operations.wouldRedrive(data.message_ids.length) : c().operations.redriven(data.redriven)}</p>}</div>
    </section>
  );
}

/** Whether a consumer gets messages, and the way to stop and to start it. */
function ConsumerState({ name }: { name: string }): JSX.Element {
  const query = useQuery(queues());
  const update = (body: Schemas["UpdateConsumerState"], key: string): Promise<Schemas["ConsumerStateView"]> =>
    unwrap(api.PUT("/api/v1/ops/consumers/{name}/state", { params: { path: { name }, header: { "Idempotency-Key": key } }, body }));
  const updating = useKeyed(`PUT /ops/consumers/${name}/state`, update, {
    onSuccess: () => queries.invalidateQueries({ predicate: ({ queryKey }) => ["queues", "audit"].includes(String(queryKey[0])) }),
  });
  const { data } = updating;
  return (
    <section class="box">
      <h2>{c().operations.state}</h2>
      <Loaded query={query}>
        {(items) => {
          const state = items.find((one) => one.name === name)?.state;
          if (!state) return <p>{c().operations.notPausable}</p>;
          const next = state === "running" ? "paused" : "running";
          return (
            <>
              <p class={isStopped(state) ? "error" : undefined}>{c().operations.states[state]}</p>
              {state === "changing" ? (
                <p class="hint">{c().operations.changingHint}</p>
              ) : (
                <Form
                  submit={next === "paused" ? c().operations.pause : c().operations.resume}
                  isBusy={updating.isPending}
                  error={updating.error}
                  onSubmit={(values) => updating.mutate({ state: next, reason: values["/reason"]?.trim() ?? "" })}
                >
                  <Field name="/reason" label={c().reason} hint={next === "paused" ? c().operations.pauseHint : c().operations.reasonHint} required />
                </Form>
              )}
            </>
          );
        }}
      </Loaded>
      <div role="status">{data && <p class="notice good">{data.changed > 0 ? c().operations.stateChanged : c().operations.stateKept}</p>}</div>
    </section>
  );
}
