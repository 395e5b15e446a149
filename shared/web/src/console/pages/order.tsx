// One order, as staff see it: what it is, what it waits for, and what can be done about it.

import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, queries, type Schemas } from "../../core/client.ts";
import { minorDigits, moment, money, t } from "../../core/i18n/index.ts";
import { toMinor } from "../../core/money.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { caller } from "../../core/session.ts";
import { isProblemOf } from "../../core/text.ts";
import { Action } from "../../ui/action.tsx";
import { Address } from "../../ui/address.tsx";
import { Field, Form, Select, TextArea } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Failed, Loaded, Loading, NotFound, Title } from "../../ui/page.tsx";
import { OrderLines } from "../../ui/order-lines.tsx";
import { notes, notifications, order as readOrder, payment, type Order, type Payment } from "../reads.ts";
import { Timeline } from "../timeline.tsx";
import { c } from "../texts/index.ts";

const REFUND_REASONS = ["requested_by_customer", "duplicate", "fraudulent"] as const;

export function OrderPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(readOrder(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return <Loaded query={query}>{({ data, tag }) => <Details order={data} tag={tag} error={query.error} />}</Loaded>;
}

const reload = (id: string): Promise<void> => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(id) || queryKey[0] === "orders" });

function Details({ order, tag, error }: { order: Order; tag: string; error: Error | null }): JSX.Element {
  return (
    <article class="order">
      <Title>{c().order.title(order.id)}</Title>
      {error && <Failed error={error} />}
      <section class={`status ${order.status}`}>
        <div role="status">
          <p class="big">{t().order.statuses[order.status]}</p>
          {order.status_reason && <p>{order.status_reason}</p>}
        </div>
        <p>
          {moment(order.created_at)} · <a href={`/console/customers/${order.user_id}`}>{c().customer}</a>
        </p>
      </section>
      <Fulfilment order={order} tag={tag} />
      <div class="columns">
        <section>
          <h2>{t().order.items}</h2>
          <OrderLines order={order} link="/console/products/" />
        </section>
        <section>
          <h2>{t().order.address}</h2>
          <Address value={order.shipping_address} />
          {order.tracking_number && (
            <p>
              {t().order.tracking}: {order.carrier} {order.tracking_number}
            </p>
          )}
          <h2>{t().order.history}</h2>
          <ol class="history">
            {order.history.map((entry, index) => (
              <li key={index}>
                <time dateTime={entry.at}>{moment(entry.at)}</time> {t().order.statuses[entry.status]} {entry.reason && <span class="hint">{entry.reason}</span>}
              </li>
            ))}
          </ol>
        </section>
      </div>
      <PaymentSection order={order} />
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
  const isOpen = order.status === "pending" || order.status === "processing";
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
        {isOpen && (
          <Action
            label={c().order.cancel}
            question={c().order.cancelText}
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
      {order.payment_id === null ? <p class="hint">{c().order.noPayment}</p> : <Loaded query={query}>{(paid) => <PaymentDetails payment={paid} orderId={order.id} />}</Loaded>}
    </section>
  );
}

function PaymentDetails({ payment: paid, orderId }: { payment: Payment; orderId: string }): JSX.Element {
  const left = paid.amount.amount - paid.refunded_amount.amount;
  const canRefund = left > 0 && (paid.status === "succeeded" || paid.status === "partially_refunded");
  return (
    <>
      <dl class="facts">
        <dt>{c().status}</dt>
        <dd>
          {t().order.payments[paid.status]}, {money(paid.amount)}
        </dd>
        <dt>{c().order.attempts}</dt>
        <dd>{paid.attempts}</dd>
        <dt>{c().order.transaction}</dt>
        <dd>{paid.transaction_id ?? "–"}</dd>
        {paid.decline_code && (
          <>
            <dt>{c().order.decline}</dt>
            <dd>{paid.decline_code}</dd>
          </>
        )}
      </dl>
      {paid.refunds.length > 0 && (
        <Table caption={c().order.refunds} head={[c().time, { number: c().order.refundAmount }, c().reason, c().status]}>
          {paid.refunds.map((refund) => (
            <tr key={refund.id}>
              <td>{moment(refund.requested_at)}</td>
              <td class="amount">{money(refund.amount)}</td>
              <td>{c().order.refundReasons[refund.reason] ?? refund.reason}</td>
              <td>{refund.status}</td>
            </tr>
          ))}
        </Table>
      )}
      {paid.disputes?.map((dispute) => (
        <p key={dispute.id} class="notice bad">
          {c().order.disputes}: {money(dispute.amount)}, {dispute.status}
          {dispute.evidence_due_by && `, ${c().order.evidence} ${moment(dispute.evidence_due_by)}`}
        </p>
      ))}
      {canRefund && <Refund payment={paid} left={left} orderId={orderId} />}
    </>
  );
}

function Refund({ payment: paid, left, orderId }: { payment: Payment; left: number; orderId: string }): JSX.Element {
  const { currency } = paid.amount;
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const refund = (body: Schemas["RefundPayment"], key: string): Promise<Payment> => unwrap(api.POST("/api/v1/payments/refund", { params: { header: { "Idempotency-Key": key } }, body }));
  const refunding = useKeyed("POST /payments/refund", refund, { onSettled: () => reload(orderId) });
  const submit = (values: Record<string, string>): void => {
    const text = values["/amount"]?.trim() ?? "";
    const amount = text ? toMinor(text, minorDigits(currency)) : null;
    const isWrong = text !== "" && amount === null;
    setFound(new Map(isWrong ? [["/amount", c().order.badAmount]] : []));
    if (isWrong) return;
    const reason = REFUND_REASONS.find((one) => one === values["/reason"]) ?? REFUND_REASONS[0];
    refunding.mutate({ payment_id: paid.id, reason, ...(amount === null ? {} : { amount: { amount, currency } }) });
  };
  return (
    <details class="box">
      <summary>{c().order.refund}</summary>
      <Form submit={c().order.refund} isBusy={refunding.isPending} error={refunding.error} found={found} onSubmit={submit}>
        <div class="columns">
          <Field name="/amount" label={`${c().order.refundAmount} (${currency})`} hint={c().order.refundHint(money({ amount: left, currency }))} inputMode="decimal" />
          <Select name="/reason" label={c().order.refundReason} required>
            {REFUND_REASONS.map((reason) => (
              <option key={reason} value={reason}>
                {c().order.refundReasons[reason]}
              </option>
            ))}
          </Select>
        </div>
      </Form>
      <div role="status">{refunding.isSuccess && <p class="notice good">{c().order.refundStarted}</p>}</div>
    </details>
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
                <p class="hint">{moment(note.created_at)}</p>
              </li>
            ))}
          </ul>
        )}
      </Paged>
      <Form key={version} submit={c().order.addNote} isBusy={adding.isPending} error={adding.error} onSubmit={(values) => adding.mutate({ text: values["/text"] ?? "" })}>
        <TextArea name="/text" label={c().order.note} required />
      </Form>
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
                  <td>{one.channel}</td>
                  <td>{one.template}</td>
                  <td>{one.status}</td>
                </tr>
              ))}
            </Table>
          )}
        </Paged>
      )}
    </section>
  );
}
