// One order, as staff see it: what it is, what it waits for, and what can be done about it.

import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, queries, type Schemas } from "../../core/client.ts";
import { moment, t } from "../../core/i18n/index.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { caller } from "../../core/session.ts";
import { isProblemOf } from "../../core/text.ts";
import { Action } from "../../ui/action.tsx";
import { Documents } from "../../ui/documents.tsx";
import { Field, Form, Saved, TextArea } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Failed, Loaded, Loading, Title } from "../../ui/page.tsx";
import { isOpen, OrderDetails, OrderStatus } from "../../ui/order.tsx";
import { Operator } from "../operator.tsx";
import { NotFound } from "../other-pages.tsx";
import { notes, notifications, order as readOrder, payment, type Order } from "../reads.ts";
import { PaymentDetails } from "../payment.tsx";
import { Timeline } from "../timeline.tsx";
import { c } from "../texts/index.ts";

export function OrderPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(readOrder(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return <Loaded query={query} isPage>{({ data, tag }) => <Details order={data} tag={tag} error={query.error} />}</Loaded>;
}

const reload = (id: string): Promise<void> => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(id) || queryKey[0] === "orders" });

// The texts of the shop speak to customers; these are for staff.
const code = (reason: string): string => c().codes.orderReasons[reason] ?? reason;

function Details({ order, tag, error }: { order: Order; tag: string; error: Error | null }): JSX.Element {
  return (
    <article class="order">
      <Title>{c().order.title(order.id)}</Title>
      {error && <Failed error={error} />}
      <OrderStatus order={order} reason={code}>
        <p>
          {moment(order.created_at)} · <a href={`/console/customers/${order.user_id}`}>{c().customer}</a>
        </p>
      </OrderStatus>
      <Fulfilment order={order} tag={tag} />
      <OrderDetails order={order} tag={tag} link="/console/products/" reason={code} onChanged={() => reload(order.id)} />
      <PaymentSection order={order} />
      <DocumentsSection order={order} />
      <Notes order={order} />
      <Notifications order={order} />
      {caller.value?.role === "admin" && <Timeline id={order.id} />}
    </article>
  );
}

/** The next step of an order, and its cancellation. */
function Fulfilment({ order, tag }: { order: Order; tag: string }): JSX.Element {
  const change = useMutation({
    mutationFn: (body: Schemas["UpdateStatus"]) => unwrap(api.PATCH("/api/v1/orders/{id}/status", { params: { path: { id: order.id }, header: { "If-Match": tag } }, body })),
    onSettled: () => reload(order.id),
  });
  const ship = (values: Record<string, string>): void => {
    const text = (name: string): string | null => values[name]?.trim() || null;
    change.mutate({ status: "shipped", carrier: text("/carrier"), tracking_number: text("/tracking_number") });
  };
  return (
    <>
      {order.status === "processing" && (
        <section class="box">
          <Form submit={c().order.ship} isBusy={change.isPending} error={change.error} onSubmit={ship}>
            <div class="columns">
              <Field name="/carrier" label={c().order.carrier} maxLength={64} />
              <Field name="/tracking_number" label={c().order.tracking} maxLength={64} />
            </div>
          </Form>
        </section>
      )}
      <div class="actions">
        {order.status === "shipped" && <Action label={c().order.deliver} run={() => change.mutateAsync({ status: "delivered" })} />}
        {isOpen(order) && (
          <Action
            label={c().order.cancel}
            question={c().order.cancelText}
            dismiss={c().order.keep}
            isDanger
            run={async () => {
              await unwrap(api.DELETE("/api/v1/orders/{id}", { params: { path: { id: order.id } } }));
              await reload(order.id);
            }}
          />
        )}
      </div>
    </>
  );
}

function PaymentSection({ order }: { order: Order }): JSX.Element {
  const query = useQuery({ ...payment(order.id), enabled: order.payment_id !== null, refetchInterval: order.status === "pending" ? 3_000 : 30_000 });
  return (
    <section>
      <h2>{t().order.payment}</h2>
      {order.payment_id === null ? <p class="hint">{c().order.noPayment}</p> : <Loaded query={query}>{(paid) => <PaymentDetails payment={paid} />}</Loaded>}
    </section>
  );
}

function DocumentsSection({ order }: { order: Order }): JSX.Element {
  const paid = useQuery({ ...payment(order.id), enabled: order.payment_id !== null });
  return (
    <section>
      <h2>{c().order.documents}</h2>
      <Documents order={order} refunds={paid.data?.refunds ?? []} empty={c().order.noDocuments} />
    </section>
  );
}

function Notes({ order }: { order: Order }): JSX.Element {
  const list = useInfiniteQuery(notes(order.id));
  const [version, setVersion] = useState(0);
  const path = { id: order.id };
  const add = (body: Schemas["AddNote"], key: string): Promise<unknown> => unwrap(api.POST("/api/v1/orders/{id}/notes", { params: { path, header: { "Idempotency-Key": key } }, body }));
  const adding = useKeyed(`POST /orders/${order.id}/notes`, add, {
    onSuccess: async () => {
      setVersion((before) => before + 1);
      await queries.invalidateQueries({ queryKey: ["notes", order.id] });
    },
  });
  return (
    <section>
      <h2>{c().order.notes}</h2>
      <p class="hint">{c().order.notesHint}</p>
      <Paged query={list} empty={c().none}>
        {(items) => (
          <ul class="lines">
            {items.map((note) => (
              <li key={note.id} class="note">
                <p class="description">{note.text}</p>
                <p class="hint">
                  {moment(note.created_at)} · <Operator id={note.author} />
                </p>
              </li>
            ))}
          </ul>
        )}
      </Paged>
      <Form version={version} submit={c().order.addNote} isBusy={adding.isPending} error={adding.error} onSubmit={(values) => adding.mutate({ text: values["/text"] ?? "" })}>
        <TextArea name="/text" label={c().order.note} required />
      </Form>
      <Saved isSaved={adding.isSuccess} />
    </section>
  );
}

function Notifications({ order }: { order: Order }): JSX.Element {
  const list = useInfiniteQuery(notifications(order.id));
  return (
    <section>
      <h2>{c().order.notifications}</h2>
      {list.isPending ? (
        <Loading />
      ) : (
        <Paged query={list} empty={c().none}>
          {(items) => (
            <Table caption={c().order.notifications} head={[c().time, c().order.channel, c().order.template, c().status]}>
              {items.map((one) => (
                <tr key={one.id}>
                  <td>{moment(one.at)}</td>
                  <td>{c().codes.channels[one.channel] ?? one.channel}</td>
                  <td>{c().codes.templates[one.template] ?? one.template}</td>
                  <td>{c().codes.notificationStatuses[one.status] ?? one.status}</td>
                </tr>
              ))}
            </Table>
          )}
        </Paged>
      )}
    </section>
  );
}
