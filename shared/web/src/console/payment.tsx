// A payment as staff see it.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { api, queries, type Schemas } from "../core/client.ts";
import { moment, momentInZone, money, number, t } from "../core/i18n/index.ts";
import { useKeyed } from "../core/keyed.ts";
import { unwrap } from "../core/problem.ts";
import { caller } from "../core/session.ts";
import { explain } from "../core/text.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/form.tsx";
import { Table } from "../ui/list.tsx";
import { Operator } from "./operator.tsx";
import type { Payment } from "./reads.ts";
import { Refund } from "./refund.tsx";
import { stated } from "./stated.ts";
import { c } from "./texts/index.ts";

/** A payment: attempts, refunds, disputes, and amounts that the gateway did not move as asked. */
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
        <dd>{number(paid.attempts)}</dd>
        <dt>{c().order.transaction}</dt>
        <dd>{paid.transaction_id ?? "–"}</dd>
        {paid.decline_code && (
          <>
            <dt>{c().order.decline}</dt>
            <dd>
              {t().order.declines[paid.decline_code]} <code>{paid.decline_code}</code>
            </dd>
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
              <td>{c().codes.refundStatuses[refund.status]}</td>
            </tr>
          ))}
        </Table>
      )}
      {paid.refund_approvals && paid.refund_approvals.length > 0 && <PaymentApprovals payment={paid} approvals={paid.refund_approvals} />}
      {paid.disputes && paid.disputes.length > 0 && <Disputes disputes={paid.disputes} />}
      {paid.mismatches && paid.mismatches.length > 0 && <Mismatches payments={[{ order_id: paid.order_id, mismatches: paid.mismatches }]} />}
      {canRefund && <Refund payment={paid} />}
    </>
  );
}

type Approval = Schemas["RefundApprovalView"];
type WithApprovals = Pick<Schemas["PaymentAwaitingApprovalView"], "payment_id" | "order_id" | "refund_approvals">;

/** A decision that somebody is asked to confirm. */
interface Asked {
  payment: WithApprovals;
  approval: Approval;
  verdict: Schemas["Verdict"];
}

type Ask = (asked: Asked) => void;

function PaymentApprovals({ payment, approvals }: { payment: Payment; approvals: Approval[] }): JSX.Element {
  const { id: payment_id, order_id } = payment;
  return <Decisions>{(ask) => <RefundApprovals payments={[{ payment_id, order_id, refund_approvals: approvals }]} ask={ask} />}</Decisions>;
}

/** Refunds that need the approval of a second person, with the decision for admins who did not request them. */
export function RefundApprovals({ payments, ask }: { payments: WithApprovals[]; ask: Ask }): JSX.Element {
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
              <Operator id={approval.requested_by} />
            </td>
            <td>{approval.verdict ? decided(approval.verdict, approval.decision_reason) : <Choice approval={approval} choose={(verdict) => ask({ payment, approval, verdict })} />}</td>
          </tr>
        )),
      )}
    </Table>
  );
}

const VERDICTS = ["approved", "rejected"] as const;

function decided(verdict: Schemas["Verdict"], reason: string | null | undefined): string {
  const text = c().payments.verdicts[verdict];
  return reason ? `${text}: ${reason}` : text;
}

function Choice({ approval, choose }: { approval: Approval; choose: (verdict: Schemas["Verdict"]) => void }): JSX.Element {
  if (caller.value?.role !== "admin" || caller.value.id === approval.requested_by) return <>{c().payments.waits}</>;
  return (
    <div class="actions">
      {VERDICTS.map((verdict) => (
        <button key={verdict} type="button" aria-label={`${c().payments.decide[verdict]}: ${money(approval.amount)}`} onClick={() => choose(verdict)}>
          {c().payments.decide[verdict]}
        </button>
      ))}
    </div>
  );
}

/** Asks for decisions on what it shows, and tells their results: outside of the list, which has lost the refund by then. */
export function Decisions({ children }: { children: (ask: Ask) => ComponentChildren }): JSX.Element {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [told, setTold] = useState<{ asked: Asked; error: unknown } | null>(null);
  const settle = (decided: Asked, error: unknown): void => {
    setAsked((now) => (now === decided ? null : now));
    setTold({ asked: decided, error });
  };
  const amount = told ? money(told.asked.approval.amount) : "";
  return (
    <>
      <div role="status">{told && told.error === null && <p class="notice good">{c().payments.decided[told.asked.verdict](amount)}</p>}</div>
      <div role="alert">{told && told.error !== null && <p class="notice bad">{c().payments.undecided(amount, explain(told.error))}</p>}</div>
      {children(setAsked)}
      <Dialog title={asked ? c().payments.decide[asked.verdict] : ""} isOpen={asked !== null} onClose={() => setAsked(null)}>
        {asked && <Decision asked={asked} onStart={() => setTold(null)} onSettled={settle} onCancel={() => setAsked(null)} />}
      </Dialog>
    </>
  );
}

interface DecisionProps {
  asked: Asked;
  onStart: () => void;
  onSettled: (asked: Asked, error: unknown) => void;
  onCancel: () => void;
}

function Decision({ asked, onStart, onSettled, onCancel }: DecisionProps): JSX.Element {
  const { payment, approval, verdict } = asked;
  const [reason, setReason] = useState("");
  const path = { id: payment.payment_id, refund_id: approval.id };
  const decide = (body: Schemas["DecideRefund"], key: string): Promise<Payment> =>
    unwrap(api.PATCH("/api/v1/payments/{id}/refund-approvals/{refund_id}", { params: { path, header: { "Idempotency-Key": key } }, body }));
  const deciding = useKeyed("PATCH refund-approval", decide, {
    about: approval.id,
    onSuccess: () => onSettled(asked, null),
    onError: (error) => onSettled(asked, error),
    onSettled: () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "refund-approvals" || queryKey.includes(payment.order_id) || queryKey.includes(payment.payment_id) }),
  });
  const start = (event: SubmitEvent): void => {
    event.preventDefault();
    if (deciding.isPending) return;
    // The same text once more would not be announced.
    onStart();
    deciding.mutate({ verdict, reason: reason.trim() || null });
  };
  return (
    <form onSubmit={start}>
      <p>{c().payments.questions[verdict](money(approval.amount))}</p>
      <Field name="/reason" label={c().reason} hint={c().operations.reasonHint} minLength={3} maxLength={500} pattern={LONG_ENOUGH} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      <div class="actions">
        <button type="submit" aria-disabled={deciding.isPending} onClick={refuseSecond}>
          {c().payments.decide[verdict]}
        </button>
        {/* The one that changes nothing has the focus at first. */}
        <button type="button" autofocus onClick={onCancel}>
          {t().cancel}
        </button>
      </div>
    </form>
  );
}

/** The API does not count spaces around a text. */
const LONG_ENOUGH = String.raw`\s*(?:\S.+\S\s*)?`;

/** The second click of a double click on what opened a question is no answer to it. */
function refuseSecond(click: MouseEvent): void {
  if (click.detail > 1) click.preventDefault();
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
          <td>{dispute.evidence_due_by ? momentInZone(dispute.evidence_due_by) : "–"}</td>
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
            {/* The gateway's own words: the currency need not be one that we know. */}
            <td class="amount">{one.answered ? stated(one.answered) : "–"}</td>
            <td>{one.transaction_id}</td>
          </tr>
        )),
      )}
    </Table>
  );
}
