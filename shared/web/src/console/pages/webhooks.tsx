// Endpoints that events are sent to, and what was delivered to them.

import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, queries, type Schemas } from "../../core/client.ts";
import { useEdit, type Versioned } from "../../core/edit.ts";
import { moment, number, t } from "../../core/i18n/index.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import type { Rows } from "../../core/rows.ts";
import { isProblemOf } from "../../core/text.ts";
import { Action } from "../../ui/action.tsx";
import { Changed } from "../../ui/changed.tsx";
import { Field, Form, Saved } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { NotFound } from "../other-pages.tsx";
import { deliveries, endpoint as readEndpoint, endpoints, type Endpoint } from "../reads.ts";
import { Secret } from "../secret.tsx";
import { c } from "../texts/index.ts";

/** A member that the contract has and this lacks does not compile. */
const EVENTS: Record<Schemas["EventType"], true> = {
  "ProductCreated.v1": true,
  "ProductUpdated.v1": true,
  "ProductDeleted.v1": true,
  "StockLow.v1": true,
  "OrderPlaced.v1": true,
  "OrderConfirmed.v1": true,
  "OrderCancelled.v1": true,
  "OrderShipped.v1": true,
  "OrderDelivered.v1": true,
  "PaymentSucceeded.v1": true,
  "PaymentFailed.v1": true,
  "PaymentRefunded.v1": true,
  "PaymentDisputed.v1": true,
  "DisputeClosed.v1": true,
  "InvoiceIssued.v1": true,
  "CreditNoteIssued.v1": true,
};
const EVENT_TYPES = Object.keys(EVENTS) as Schemas["EventType"][];

export function WebhookList(): JSX.Element {
  const list = useInfiniteQuery(endpoints());
  return (
    <>
      <Title>{c().webhooks.title}</Title>
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().webhooks.title} head={[c().webhooks.url, c().webhooks.description, c().webhooks.events, c().status]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>
                  <a href={`/console/webhooks/${one.id}`}>{one.url}</a>
                </td>
                <td>{one.description}</td>
                <td>{number(one.event_types.length)}</td>
                <td>
                  <Status endpoint={one} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
      <NewEndpoint />
    </>
  );
}

function Status({ endpoint }: { endpoint: Endpoint }): JSX.Element {
  const isEnabled = endpoint.status === "enabled";
  return (
    <>
      <span class={`tag ${isEnabled ? "delivered" : "cancelled"}`}>{isEnabled ? c().webhooks.enabled : c().webhooks.disabled}</span>
      {endpoint.disabled_reason && <span class="hint"> {c().webhooks.reasons[endpoint.disabled_reason]}</span>}
      {endpoint.failing_since && <span class="error"> {c().webhooks.failing(moment(endpoint.failing_since))}</span>}
    </>
  );
}

/** What a form says about an endpoint. */
function stated(values: Record<string, string>): Schemas["CreateEndpoint"] {
  const event_types = EVENT_TYPES.filter((type) => values[`event-${type}`]);
  return { url: values["/url"]?.trim() ?? "", description: values["/description"]?.trim() || null, event_types };
}

function Fields({ endpoint }: { endpoint: Endpoint | null }): JSX.Element {
  return (
    <>
      <Field name="/url" label={c().webhooks.url} type="url" maxLength={2048} defaultValue={endpoint?.url ?? ""} required />
      <Field name="/description" label={c().webhooks.description} maxLength={200} defaultValue={endpoint?.description ?? ""} />
      <fieldset class="choices columns">
        <legend>{c().webhooks.events}</legend>
        {EVENT_TYPES.map((type) => (
          <label key={type}>
            <input type="checkbox" name={`event-${type}`} defaultChecked={endpoint?.event_types.includes(type) ?? false} /> {type}
          </label>
        ))}
      </fieldset>
    </>
  );
}

function NewEndpoint(): JSX.Element {
  const [secret, setSecret] = useState<string | null>(null);
  const [version, setVersion] = useState(0);
  // Returns nothing: the cache of mutations would keep the secret.
  const create = async (body: Schemas["CreateEndpoint"], key: string): Promise<void> => {
    setSecret((await unwrap(api.POST("/api/v1/webhook-endpoints", { params: { header: { "Idempotency-Key": key } }, body }))).secret);
  };
  const creating = useKeyed("POST /webhook-endpoints", create, {
    onSuccess: async () => {
      setVersion((before) => before + 1);
      await queries.invalidateQueries({ queryKey: ["endpoints"] });
    },
  });
  return (
    <details class="box">
      <summary>{c().webhooks.add}</summary>
      <Form version={version} submit={c().webhooks.create} isBusy={creating.isPending} error={creating.error} onSubmit={(values) => creating.mutate(stated(values))}>
        <Fields endpoint={null} />
      </Form>
      <Secret title={c().webhooks.secretTitle} value={secret} onClose={() => setSecret(null)} />
    </details>
  );
}

export function WebhookPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(readEndpoint(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return (
    <Loaded query={query} isPage>
      {({ data, tag }) => (
        <div class="wide-sections">
          <Title>{data.url}</Title>
          <p>
            <Status endpoint={data} />
          </p>
          <EndpointActions endpoint={data} tag={tag} />
          <EditEndpoint current={{ data, tag }} />
          <Deliveries endpoint={data} />
        </div>
      )}
    </Loaded>
  );
}

const reload = (): Promise<void> => queries.invalidateQueries({ predicate: ({ queryKey }) => ["endpoint", "endpoints", "deliveries"].includes(String(queryKey[0])) });

/** Repeats a change once if only the state of deliveries, which is part of the tag, has changed meanwhile. */
async function despiteDeliveries<T>(seen: Endpoint, tag: string, send: (tag: string) => Promise<T>): Promise<T> {
  try {
    return await send(tag);
  } catch (error) {
    if (!isProblemOf(error, "precondition-failed")) throw error;
    const now = await queries.fetchQuery({ ...readEndpoint(seen.id), staleTime: 0 });
    const stated = ({ url, description, event_types, status }: Endpoint): string => JSON.stringify([url, description, event_types, status]);
    if (stated(now.data) !== stated(seen)) throw error;
    return send(now.tag);
  }
}

function EndpointActions({ endpoint, tag }: { endpoint: Endpoint; tag: string }): JSX.Element {
  const { route } = useLocation();
  const [secret, setSecret] = useState<string | null>(null);
  const path = { id: endpoint.id };
  const isEnabled = endpoint.status === "enabled";
  const { url, description, event_types } = endpoint;
  return (
    <div class="actions">
      {isEnabled && (
        <Action
          label={c().webhooks.test}
          done={c().webhooks.tested}
          run={async () => {
            await unwrap(api.POST("/api/v1/webhook-endpoints/{id}/test", { params: { path } }));
            await reload();
          }}
        />
      )}
      <Action
        label={isEnabled ? c().webhooks.disable : c().webhooks.enable}
        question={isEnabled ? c().webhooks.disableText : undefined}
        run={() => {
          const body = { url, description, event_types, status: isEnabled ? ("disabled" as const) : ("enabled" as const) };
          const send = (current: string) => unwrap(api.PUT("/api/v1/webhook-endpoints/{id}", { params: { path, header: { "If-Match": current } }, body }));
          return despiteDeliveries(endpoint, tag, send);
        }}
        onDone={() => void reload()}
      />
      <Action
        label={c().webhooks.rotate}
        question={c().webhooks.rotateText}
        run={() => {
          const send = (current: string) => unwrap(api.POST("/api/v1/webhook-endpoints/{id}/secret", { params: { path, header: { "If-Match": current } } }));
          return despiteDeliveries(endpoint, tag, send);
        }}
        onDone={(rotated) => {
          setSecret(rotated.secret);
          void reload();
        }}
      />
      <Action
        label={c().webhooks.remove}
        question={c().webhooks.removeText}
        isDanger
        run={async () => {
          await unwrap(api.DELETE("/api/v1/webhook-endpoints/{id}", { params: { path } }));
          route("/console/webhooks", true);
          await queries.invalidateQueries({ queryKey: ["endpoints"] });
        }}
      />
      <Secret title={c().webhooks.secretTitle} value={secret} onClose={() => setSecret(null)} />
    </div>
  );
}

const rowsOf = ({ url, description, event_types, status }: Endpoint): Rows => [
  [c().webhooks.url, url],
  [c().webhooks.description, description ?? ""],
  [c().webhooks.events, event_types.join(", ")],
  [c().status, status === "enabled" ? c().webhooks.enabled : c().webhooks.disabled],
];

function EditEndpoint({ current }: { current: Versioned<Endpoint> }): JSX.Element {
  const { id } = current.data;
  const path = { id };
  const { data, changed, form, save, isSaved } = useEdit({
    current,
    read: () => queries.fetchQuery({ ...readEndpoint(id), staleTime: 0 }),
    send: (body: Schemas["UpdateEndpoint"], seen) =>
      despiteDeliveries(seen.data, seen.tag, (tag) => unwrap(api.PUT("/api/v1/webhook-endpoints/{id}", { params: { path, header: { "If-Match": tag } }, body }))),
    reload,
    rows: rowsOf,
  });
  return (
    <details class="box">
      <summary>{c().products.edit}</summary>
      <Changed rows={changed} />
      <Form {...form} submit={t().save} onSubmit={(values) => save({ ...stated(values), status: data.status })}>
        <Fields endpoint={data} />
      </Form>
      <Saved isSaved={isSaved} />
    </details>
  );
}

function Deliveries({ endpoint }: { endpoint: Endpoint }): JSX.Element {
  const list = useInfiniteQuery(deliveries(endpoint.id));
  const [times, setTimes] = useState(0);
  const retry = async (delivery_id: string): Promise<void> => {
    await unwrap(api.POST("/api/v1/webhook-endpoints/{id}/deliveries/{delivery_id}/retry", { params: { path: { id: endpoint.id, delivery_id } } }));
    await reload();
  };
  return (
    <section>
      <h2>{c().webhooks.deliveries}</h2>
      {/* Outside of the list: a delivery that is pending has no button. */}
      <Saved isSaved={times > 0} text={t().done} times={times} />
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().webhooks.deliveries} head={[c().time, c().webhooks.event, c().status, { number: c().webhooks.attempts }, c().webhooks.response, c().webhooks.next, c().actions]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>{moment(one.created_at)}</td>
                <td>{one.event_type}</td>
                <td>{c().webhooks.statuses[one.status] ?? one.status}</td>
                <td class="amount">{number(one.attempts)}</td>
                <td>{one.response_status ?? (one.error ? c().webhooks.errors[one.error] : "–")}</td>
                <td>{one.next_attempt_at ? moment(one.next_attempt_at) : "–"}</td>
                <td>{one.status !== "pending" && endpoint.status === "enabled" && <Action label={c().webhooks.again} about={one.event_type} done="" run={() => retry(one.id)} onDone={() => setTimes((before) => before + 1)} />}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}
