// One order, followed while it moves: status, payment, documents, and what its customer can do.

import { useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, queries, REPEATABLE, type Schemas } from "../../core/client.ts";
import { money, t } from "../../core/i18n/index.ts";
import { useKeyed } from "../../core/keyed.ts";
import { orderNumber } from "../../core/order-number.ts";
import { unwrap } from "../../core/problem.ts";
import { isSignedIn } from "../../core/session.ts";
import { isProblemOf } from "../../core/text.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Documents } from "../../ui/documents.tsx";
import { Explanation } from "../../ui/explanation.tsx";
import { Form } from "../../ui/form.tsx";
import { isOpen, OrderDetails, OrderStatus } from "../../ui/order.tsx";
import { Failed, Loaded, NotFound, Title } from "../../ui/page.tsx";
import { add } from "../basket.ts";
import { reasonOf } from "../follow.ts";
import { follow, followedOrder, savedMethods, watchedPayment, type Order, type Payment } from "../reads.ts";
import { PaymentChoices } from "./checkout.tsx";
import { LoginPage } from "./login.tsx";

const reasonText = (reason: string): string | undefined => t().order.reasons[reason];

export function OrderPage({ id }: { id: string }): JSX.Element {
  return isSignedIn.value ? <Followed id={id} /> : <LoginPage />;
}

function Followed({ id }: { id: string }): JSX.Element {
  const query = useQuery(followedOrder(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return <Loaded query={query} isPage>{({ order, tag }) => <Details order={order} tag={tag} error={query.error} />}</Loaded>;
}

function Details({ order, tag, error }: { order: Order; tag: string; error: Error | null }): JSX.Element {
  const { query } = useLocation();
  const reading = useQuery(watchedPayment(order));
  const paid = reading.data?.payment;
  useEffect(() => void queries.invalidateQueries({ queryKey: ["payment", order.id] }), [order.version]);
  useEffect(() => {
    if (paid && order.status === "pending") void queries.invalidateQueries({ queryKey: ["order", order.id] });
  }, [paid?.status, paid?.attempts]);
  const shown = { ...order, status_reason: reasonOf(order, paid?.status) };
  const number = orderNumber(order.id);
  const isThanked = query["placed"] !== undefined && order.status !== "cancelled" && !canPayAgain(shown);
  return (
    <article class="order">
      <Title heading={isThanked ? t().order.thanks : t().order.title(number)}>{t().order.title(number)}</Title>
      {isThanked && <p>{t().order.title(number)}</p>}
      <Progress order={shown} />
      {error && <Failed error={error} />}
      {paid && <Consent payment={paid} />}
      {canPayAgain(shown) && <Loaded query={reading}>{({ payment: { attempts } }) => <PayAgain key={attempts} order={order} attempts={attempts} />}</Loaded>}
      <OrderDetails order={order} tag={tag} link="/products/" reason={reasonText} onChanged={() => queries.invalidateQueries({ queryKey: ["order", order.id] })}>
        {paid && <PaymentState payment={paid} />}
        <Documents order={order} refunds={paid?.refunds ?? []} />
      </OrderDetails>
      {isOpen(order) && <Cancel order={order} />}
      {(order.status === "cancelled" || order.status === "delivered") && <OrderAgain order={order} />}
    </article>
  );
}

/** Puts what was ordered into the basket, at the prices of then: the basket shows what has changed. */
function OrderAgain({ order }: { order: Order }): JSX.Element {
  const { route } = useLocation();
  const isDone = useRef(false);
  const again = (): void => {
    // The page stays until the next one is loaded: another press would add everything once more.
    if (isDone.current) return;
    isDone.current = true;
    for (const { product_id: id, product_name: name, unit_price: price, quantity } of order.items) add({ id, name, price }, quantity);
    route("/basket");
  };
  return (
    <button type="button" onClick={again}>
      {t().order.orderAgain}
    </button>
  );
}

const STEPS = ["pending", "processing", "shipped", "delivered"] as const;

function Progress({ order }: { order: Order }): JSX.Element {
  const reached = STEPS.indexOf(order.status as (typeof STEPS)[number]);
  return (
    <OrderStatus order={order} reason={reasonText}>
      {reached >= 0 && (
        <ol class="steps" aria-hidden="true">
          {STEPS.map((step, index) => (
            <li key={step} class={index <= reached ? "done" : ""}>
              {t().order.statuses[step]}
            </li>
          ))}
        </ol>
      )}
      {order.status === "pending" && <p class="hint">{t().order.live}</p>}
    </OrderStatus>
  );
}

function Consent({ payment: { status, next_action } }: { payment: Payment }): JSX.Element | null {
  if (status !== "requires_action" || !next_action) return null;
  const page = next_action.redirect_url;
  const isSafe = page !== null && /^https?:\/\//.test(page);
  return (
    <div class="notice">
      <p>{t().order.consent}</p>
      {isSafe && (
        <a class="button primary" href={page} rel="noreferrer">
          {t().order.confirm}
        </a>
      )}
    </div>
  );
}

const canPayAgain = (order: Order): boolean => order.status === "pending" && order.status_reason === "payment_declined";

function PayAgain({ order, attempts }: { order: Order; attempts: number }): JSX.Element {
  const methods = useQuery(savedMethods());
  const pay = (body: Schemas["ProcessPayment"], key: string): Promise<Payment> => unwrap(api.POST("/api/v1/payments/process", { params: { header: { "Idempotency-Key": key } }, body }));
  const paying = useKeyed("POST /payments/process", pay, {
    // After another decline, the same card is another attempt.
    about: attempts,
    onSuccess: follow,
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: ["order", order.id] });
      await queries.invalidateQueries({ queryKey: ["payment", order.id] });
    },
  });
  return (
    <section class="box">
      <h2>{t().order.payAgain}</h2>
      <Form submit={t().order.payAgain} busy={t().order.paying} isBusy={paying.isPending} error={paying.error} onSubmit={(values) => paying.mutate({ order_id: order.id, payment_method: values["/payment_method"] ?? "" })}>
        <PaymentChoices methods={methods.data ?? []} legend={t().order.payWith} />
      </Form>
    </section>
  );
}

/** Codes of the gateway are not for customers. */
function declineText(code: string): string {
  const reason = t().order.declines[code];
  return reason ? t().order.declined(reason) : t().order.noReason;
}

function PaymentState({ payment: paid }: { payment: Payment }): JSX.Element {
  return (
    <>
      <h2>{t().order.payment}</h2>
      <p>
        {money(paid.amount)}: {t().order.payments[paid.status]}
      </p>
      {paid.status === "failed" && paid.decline_code && <p class="hint">{declineText(paid.decline_code)}</p>}
      {paid.refunded_amount.amount > 0 && <p>{t().order.refunded(money(paid.refunded_amount))}</p>}
    </>
  );
}

function Cancel({ order }: { order: Order }): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const cancelling = useMutation({
    ...REPEATABLE,
    mutationFn: () => unwrap(api.DELETE("/api/v1/orders/{id}", { params: { path: { id: order.id } } })),
    onSuccess: () => setAsking(false),
    onSettled: () => queries.invalidateQueries({ queryKey: ["order", order.id] }),
  });
  const ask = (): void => {
    if (!cancelling.isPending) cancelling.reset();
    setAsking(true);
  };
  // The second click of a double click on what opened the dialog is no answer to it.
  const cancel = ({ detail }: MouseEvent): void => {
    if (!cancelling.isPending && detail < 2) cancelling.mutate();
  };
  return (
    <>
      <button type="button" class="danger" onClick={ask}>
        {t().order.cancel}
      </button>
      <Dialog title={t().order.cancelQuestion} isOpen={isAsking} onClose={() => setAsking(false)}>
        <p>{t().order.cancelText}</p>
        <div role="alert">
          {cancelling.error && (
            <p class="error">
              <Explanation error={cancelling.error} />
            </p>
          )}
        </div>
        <div class="actions">
          <button type="button" class="danger" aria-disabled={cancelling.isPending} onClick={cancel}>
            {t().order.cancelYes}
          </button>
          <button type="button" autofocus onClick={() => setAsking(false)}>
            {t().order.keep}
          </button>
        </div>
      </Dialog>
    </>
  );
}
