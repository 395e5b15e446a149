// A payment as staff see it, and its refund.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, queries, type Schemas } from "../core/client.ts";
import { minorDigits, moment, money, t } from "../core/i18n/index.ts";
import { useKeyed } from "../core/keyed.ts";
import { toMinor } from "../core/money.ts";
import { unwrap } from "../core/problem.ts";
import { caller } from "../core/session.ts";
import { Action } from "../ui/action.tsx";
import { Field, Form, Saved, Select } from "../ui/form.tsx";
import { Table } from "../ui/list.tsx";
import type { Payment } from "./reads.ts";
import { c } from "./texts/index.ts";

const REFUND_REASONS = ["requested_by_customer", "duplicate", "fraudulent"] as const;

/** What became of a payment: attempts, refunds, disputes, and amounts that the gateway did not move as asked. */
export function PaymentDetails({ payment: paid }: { payment: Payment }): JSX.Element {
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
      {paid.refund_approvals && paid.refund_approvals.length > 0 && <RefundApprovals payments={[{ payment_id: paid.id, order_id: paid.order_id, refund_approvals: paid.refund_approvals }]} />}
      {paid.disputes && paid.disputes.length > 0 && <Disputes disputes={paid.disputes} />}
      {paid.mismatches && paid.mismatches.length > 0 && <Mismatches payments={[{ order_id: paid.order_id, mismatches: paid.mismatches }]} />}
      {canRefund && <Refund payment={paid} left={left} />}
    </>
  );
}

function Refund({ payment: paid, left }: { payment: Payment; left: number }): JSX.Element {
  const { currency } = paid.amount;
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const refund = (body: Schemas["RefundPayment"], key: string): Promise<Payment> => unwrap(api.POST("/api/v1/payments/refund", { params: { header: { "Idempotency-Key": key } }, body }));
  const refunding = useKeyed("POST /payments/refund", refund, { onSettled: () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(paid.order_id) || queryKey.includes(paid.id) }) });
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
      <Saved isSaved={refunding.isSuccess} text={refunding.data && waits(refunding.data) ? c().order.refundWaits : c().order.refundStarted} />
    </details>
  );
}

/** Whether what was requested last waits for approval: earlier requests may, too. */
const waits = (paid: Payment): boolean => paid.refund_approvals?.at(-1)?.requested_at === paid.updated_at;

/** Refunds that need the approval of a second person, with the decision for admins who did not request them. */
export function RefundApprovals({ payments }: { payments: Pick<Schemas["PaymentAwaitingApprovalView"], "payment_id" | "order_id" | "refund_approvals">[] }): JSX.Element {
  return (
    <Table caption={c().payments.approvals} head={[c().time, { number: c().order.refundAmount }, c().reason, c().payments.requestedBy, c().status]}>
      {payments.flatMap((payment) =>
        payment.refund_approvals.map((approval) => (
          <tr key={approval.id}>
            <td>
              <a href={`/console/orders/${payment.order_id}`}>{moment(approval.requested_at)}</a>
            </td>
            <td class="amount">{money(approval.amount)}</td>
            <td>{c().order.refundReasons[approval.reason] ?? approval.reason}</td>
            <td>
              <a href={`/console/customers/${approval.requested_by}`}>{approval.requested_by}</a>
            </td>
            <td>{approval.verdict ? c().payments.verdicts[approval.verdict] : <Decision payment={payment} approval={approval} />}</td>
          </tr>
        )),
      )}
    </Table>
  );
}

function Decision({ payment, approval }: { payment: { payment_id: string; order_id: string }; approval: Schemas["RefundApprovalView"] }): JSX.Element {
  const { payment_id, order_id } = payment;
  const path = { id: payment_id, refund_id: approval.id };
  const decide = (body: Schemas["DecideRefund"], key: string): Promise<Payment> =>
    unwrap(api.PATCH("/api/v1/payments/{id}/refund-approvals/{refund_id}", { params: { path, header: { "Idempotency-Key": key } }, body }));
  const deciding = useKeyed("PATCH refund-approval", decide, {
    about: approval.id,
    onSettled: () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "refund-approvals" || queryKey.includes(order_id) || queryKey.includes(payment_id) }),
  });
  if (caller.value?.role !== "admin" || caller.value.id === approval.requested_by) return <>{c().payments.waits}</>;
  return (
    <div class="actions">
      <Action label={c().payments.approve} about={money(approval.amount)} question={c().payments.approveText(money(approval.amount))} run={() => deciding.mutateAsync({ verdict: "approved" })} />
      <Action label={c().payments.reject} about={money(approval.amount)} run={() => deciding.mutateAsync({ verdict: "rejected" })} />
    </div>
  );
}

function Disputes({ disputes }: { disputes: Schemas["DisputeView"][] }): JSX.Element {
  return (
    <Table caption={c().order.disputes} head={[c().payments.opened, { number: c().order.refundAmount }, c().reason, c().status, c().order.evidence, { number: c().payments.withdrawn }, { number: c().payments.returned }]}>
      {disputes.map((dispute) => (
        <tr key={dispute.id}>
          <td>{moment(dispute.opened_at)}</td>
          <td class="amount">{money(dispute.amount)}</td>
          <td>{dispute.reason}</td>
          <td>{c().payments.disputeStatuses[dispute.status] ?? dispute.status}</td>
          <td>{dispute.evidence_due_by ? moment(dispute.evidence_due_by) : "–"}</td>
          <td class="amount">{dispute.withdrawn ? money(dispute.withdrawn) : "–"}</td>
          <td class="amount">{dispute.returned ? money(dispute.returned) : "–"}</td>
        </tr>
      ))}
    </Table>
  );
}

/** Amounts that the gateway moved, where they are not what was asked. */
export function Mismatches({ payments }: { payments: Pick<Schemas["MismatchedPaymentView"], "order_id" | "mismatches">[] }): JSX.Element {
  return (
    <Table caption={c().payments.mismatches} head={[c().time, c().payments.movement, { number: c().payments.asked }, { number: c().payments.answered }, c().order.transaction]}>
      {payments.flatMap((payment) =>
        payment.mismatches.map((one) => (
          <tr key={one.transaction_id}>
            <td>
              <a href={`/console/orders/${payment.order_id}`}>{moment(one.seen_at)}</a>
            </td>
            <td>{c().payments.movements[one.movement] ?? one.movement}</td>
            <td class="amount">{money(one.asked)}</td>
            {/* The gateway's own words: neither amount nor currency need to be ones that we know. */}
            <td class="amount">{one.answered ? `${one.answered.amount} ${one.answered.currency}` : "–"}</td>
            <td>{one.transaction_id}</td>
          </tr>
        )),
      )}
    </Table>
  );
}
