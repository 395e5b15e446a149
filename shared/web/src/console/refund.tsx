// The refund of a payment, in full or in part. It is asked for before it is requested, because it cannot be undone.

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { api, queries, type Schemas } from "../core/client.ts";
import { decimal, minorDigits, money } from "../core/i18n/index.ts";
import { useKeyed } from "../core/keyed.ts";
import { toMinor } from "../core/money.ts";
import { rejects, unwrap } from "../core/problem.ts";
import { Field, Form, Saved, Select } from "../ui/form.tsx";
import { Question } from "../ui/question.tsx";
import type { Payment } from "./reads.ts";
import { refundable } from "./refunds.ts";
import { c } from "./texts/index.ts";

const REASONS = ["requested_by_customer", "duplicate", "fraudulent"] as const;
const AMOUNT = "/amount/amount";

/** A refund that somebody is asked to confirm. */
interface Asked {
  body: Schemas["RefundPayment"];
  question: string;
}

export function Refund({ payment: paid }: { payment: Payment }): JSX.Element {
  const { most, waiting } = refundable(paid);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [version, setVersion] = useState(0);
  const refund = (body: Schemas["RefundPayment"], key: string): Promise<Payment> => unwrap(api.POST("/api/v1/payments/refund", { params: { header: { "Idempotency-Key": key } }, body }));
  const refunding = useKeyed("POST /payments/refund", refund, {
    // What was typed would be refunded once more by another click.
    onSuccess: () => setVersion((before) => before + 1),
    onSettled: () => {
      setAsked(null);
      return queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(paid.order_id) || queryKey.includes(paid.id) });
    },
  });
  const waits = waiting > 0 ? c().order.refundWaiting(money({ amount: waiting, currency: paid.amount.currency })) : "";
  return (
    <details class="box">
      <summary>{c().order.refund}</summary>
      {most === 0 ? (
        <p>{waits || c().order.refundPending}</p>
      ) : (
        <RefundForm payment={paid} most={most} waits={waits} version={version} isBusy={refunding.isPending} error={refunding.error} onAsk={setAsked} />
      )}
      <Question
        title={c().order.refund}
        text={asked?.question ?? ""}
        isOpen={asked !== null}
        isBusy={refunding.isPending}
        onConfirm={() => asked && refunding.mutate(asked.body)}
        onClose={() => setAsked(null)}
      />
      <Saved isSaved={refunding.isSuccess} text={refunding.data && isWaiting(refunding.data) ? c().order.refundWaits : c().order.refundStarted} />
    </details>
  );
}

/** Whether what was requested last waits for approval: earlier requests may, too. */
const isWaiting = (paid: Payment): boolean => paid.refund_approvals?.at(-1)?.requested_at === paid.updated_at;

interface FormProps {
  payment: Payment;
  /** Minor units that can be requested. */
  most: number;
  /** Says how much waits for approval; empty if nothing does. */
  waits: string;
  version: number;
  isBusy: boolean;
  error: unknown;
  onAsk: (asked: Asked) => void;
}

function RefundForm({ payment: { id: payment_id, amount: { currency } }, most, waits, version, isBusy, error, onAsk }: FormProps): JSX.Element {
  const [wrong, setWrong] = useState<"unreadable" | "outside" | null>(null);
  const submit = (values: Record<string, string>): void => {
    const text = values[AMOUNT]?.trim() ?? "";
    const amount = text ? toMinor(text, minorDigits(currency)) : most;
    const isOutside = amount !== null && (amount < 1 || amount > most);
    const found = amount === null ? "unreadable" : isOutside ? "outside" : null;
    setWrong(found);
    if (amount === null || found) return;
    const reason = REASONS.find((one) => one === values["/reason"]) ?? REASONS[0];
    const ask = text ? c().order.refundQuestion : c().order.refundWhole;
    // Also the whole is an amount: what is refunded is what was asked.
    onAsk({ body: { payment_id, reason, amount: { amount, currency } }, question: ask(money({ amount, currency })) });
  };
  const bounds = c().order.refundBounds(money({ amount: 1, currency }), money({ amount: most, currency }));
  const example = c().order.badAmount(decimal({ amount: 1250, currency }));
  const problem = wrong === "unreadable" ? example : wrong === "outside" || rejects(error, AMOUNT) ? bounds : null;
  const found = useMemo(() => new Map(problem === null ? [] : [[AMOUNT, problem]]), [problem]);
  return (
    <Form version={version} submit={c().order.refund} isBusy={isBusy} error={error} found={found} onSubmit={submit}>
      <div class="columns">
        <Field name={AMOUNT} label={`${c().order.refundAmount} (${currency})`} hint={`${c().order.refundHint(money({ amount: most, currency }))} ${waits}`.trim()} inputMode="decimal" />
        <Select name="/reason" label={c().order.refundReason} required>
          {REASONS.map((reason) => (
            <option key={reason} value={reason}>
              {c().order.refundReasons[reason]}
            </option>
          ))}
        </Select>
      </div>
    </Form>
  );
}
