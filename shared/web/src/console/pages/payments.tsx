import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { t } from "../../core/i18n/index.ts";
import { isProblemOf } from "../../core/text.ts";
import { Field, Form } from "../../ui/form.tsx";
import { Paged } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { NotFound } from "../other-pages.tsx";
import { Decisions, Mismatches, PaymentDetails, RefundApprovals } from "../payment.tsx";
import { isId, mismatches, paymentById, refundApprovals } from "../reads.ts";
import { c } from "../texts/index.ts";

/** Payments that somebody has to look at, and the way to any other. */
export function PaymentsPage(): JSX.Element {
  const list = useInfiniteQuery(mismatches());
  const waiting = useInfiniteQuery(refundApprovals());
  return (
    <div class="wide-sections">
      <Title>{c().payments.title}</Title>
      <Find />
      <section>
        <h2>{c().payments.approvals}</h2>
        <Decisions>
          {(ask) => (
            <Paged query={waiting} empty={c().payments.noneWaits}>
              {(items) => <RefundApprovals payments={items} ask={ask} />}
            </Paged>
          )}
        </Decisions>
      </section>
      <section>
        <h2>{c().payments.mismatches}</h2>
        <p>{c().payments.text}</p>
        <Paged query={list} empty={c().payments.fine}>
          {(items) => <Mismatches payments={items} />}
        </Paged>
      </section>
    </div>
  );
}

function Find(): JSX.Element {
  const { route } = useLocation();
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const submit = ({ id = "" }: Record<string, string>): void => {
    const isKnown = isId(id.trim());
    setFound(new Map(isKnown ? [] : [["id", c().orders.badId]]));
    if (isKnown) route(`/console/payments/${id.trim()}`);
  };
  return (
    <Form class="filters" submit={c().show} found={found} onSubmit={submit}>
      <Field name="id" label={c().payments.find} hint={c().payments.findHint} spellcheck={false} required />
    </Form>
  );
}

export function PaymentPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(paymentById(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return (
    <div class="wide-sections">
      <Title>{c().payments.one(id)}</Title>
      <Loaded query={query}>
        {(payment) => (
          <>
            <p>
              <a href={`/console/orders/${payment.order_id}`}>{t().order.title(payment.order_id)}</a>
            </p>
            <PaymentDetails payment={payment} />
          </>
        )}
      </Loaded>
    </div>
  );
}
