// From the basket to an order: address, shipping and payment on one page, for somebody who is logged in.

import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, queries, type Schemas } from "../../core/client.ts";
import { money, number, sum, t } from "../../core/i18n/index.ts";
import { useKeyed } from "../../core/keyed.ts";
import { ApiError, unwrap } from "../../core/problem.ts";
import { caller, isSignedIn } from "../../core/session.ts";
import { isProblemOf } from "../../core/text.ts";
import { AddressFields, addressOf } from "../../ui/address-fields.tsx";
import { Choices, Form } from "../../ui/form.tsx";
import { LoginForm } from "../../ui/login-form.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { basket, empty, type Line } from "../basket.ts";
import { profile, savedMethods } from "../reads.ts";
import { lineTotal } from "./basket.tsx";

type PlaceOrder = Schemas["PlaceOrder"];

const SHIPPING = ["standard", "express"];

/** What somebody has typed into the checkout and not sent, for the way back from the basket. It is gone with the window. */
let draft: { user: string; values: Record<string, string> } | null = null;

export function CheckoutPage(): JSX.Element {
  // While somebody logs in again, the page behind the dialog stays.
  const isIn = isSignedIn.value;
  if (basket.value.length === 0) {
    return (
      <>
        <Title>{t().checkout.title}</Title>
        <div class="empty">
          <p>{t().basket.empty}</p>
          <a class="button" href="/">
            {t().basket.browse}
          </a>
        </div>
      </>
    );
  }
  return (
    <>
      <Title>{t().checkout.title}</Title>
      <div class="checkout">
        <Summary />
        {isIn ? <Prefilled id={caller.value?.id ?? ""} /> : <FirstLogIn />}
      </div>
    </>
  );
}

function FirstLogIn(): JSX.Element {
  return (
    <section>
      <p>{t().checkout.logIn}</p>
      <LoginForm />
      <p>
        {t().login.noAccount} <a href="/register?next=/checkout">{t().login.register}</a>
      </p>
    </section>
  );
}

function Prefilled({ id }: { id: string }): JSX.Element {
  const user = useQuery(profile(id));
  const methods = useQuery({ ...savedMethods(), retry: 1 });
  const isSettled = methods.isSuccess || methods.isError;
  return <Loaded query={{ ...user, data: isSettled ? user.data : undefined }}>{({ data }) => <Checkout user={data} methods={methods.data ?? []} />}</Loaded>;
}

/** Whether an order was refused because of what is in the basket. */
const isAboutBasket = (error: unknown): boolean => isProblemOf(error, "price-changed") || (error instanceof ApiError && (error.problem?.errors ?? []).some(({ pointer }) => pointer.startsWith("/items")));

/** What a customer calls a member of an order: the name of a product, or the basket for all of them. */
function nameIn(lines: readonly Line[], pointer: string): string | undefined {
  return pointer === "/items" ? t().basket.title : lines[Number(/^\/items\/(\d+)\//.exec(pointer)?.[1])]?.name;
}

function Checkout({ user, methods }: { user: Schemas["UserView"]; methods: Schemas["PaymentMethodView"][] }): JSX.Element {
  const { route } = useLocation();
  // Address and cards as they were at first: a profile that is read again changes no field that somebody types in.
  const [typed] = useState(() => (draft?.user === user.id ? draft.values : {}));
  const [initial] = useState(() => addressOf(typed, "/shipping_address") ?? ({ ...user.address, name: user.address?.name ?? user.full_name } as Schemas["Address"]));
  // Another tab may change the basket after the request.
  const [sent, setSent] = useState<readonly Line[]>([]);
  const place = (body: PlaceOrder, key: string): Promise<Schemas["OrderView"]> => unwrap(api.POST("/api/v1/orders", { params: { header: { "Idempotency-Key": key } }, body }));
  const placing = useKeyed("POST /orders", place, {
    onSuccess: (order) => {
      draft = null;
      empty();
      void queries.invalidateQueries({ queryKey: ["orders"] });
      // The back button leads to the shop, not to a form that would order again.
      route(`/orders/${order.id}?placed=1`, true);
    },
    onError: async (error) => {
      if (isAboutBasket(error)) await queries.invalidateQueries({ queryKey: ["products-by-id"] });
    },
  });
  const submit = (values: Record<string, string>): void => {
    const lines = basket.value;
    const items = lines.map(({ id, quantity, price }) => ({ product_id: id, quantity, expected_unit_price: price }));
    const shipping_address = addressOf(values, "/shipping_address");
    const [payment_method = "", shipping_method = null] = [values["/payment_method"], values["/shipping_method"]];
    if (!shipping_address) return;
    setSent(lines);
    placing.mutate({ items, shipping_address, shipping_method, payment_method });
  };
  const needsBasket = isAboutBasket(placing.error);
  return (
    <Form submit={t().checkout.place} busy={t().checkout.placing} isBusy={placing.isPending} error={placing.error} onEdit={(values) => (draft = { user: user.id, values })} onSubmit={submit} nameOf={(pointer) => nameIn(sent, pointer)} actions={needsBasket && <a href="/basket">{t().product.toBasket}</a>}>
      <fieldset>
        <legend>{t().checkout.address}</legend>
        <AddressFields pointer="/shipping_address" initial={initial} />
      </fieldset>
      <Choices name="/shipping_method" legend={t().checkout.shipping} options={SHIPPING.map((value) => ({ value, label: t().checkout.methods[value] ?? value }))} initial={typed["/shipping_method"]} />
      <PaymentChoices methods={methods} legend={t().checkout.payment} initial={typed["/payment_method"]} />
      <p class="hint">{t().checkout.paymentNote}</p>
    </Form>
  );
}

/** A saved card, such as "Visa ending in 4242". The gateway writes brands in lower case. */
export const cardName = ({ brand, last4 }: Schemas["PaymentMethodView"]): string => t().checkout.savedCard(brand.charAt(0).toUpperCase() + brand.slice(1), last4);

/** Saved cards, the default one first, and the test cards of the gateway. */
export function PaymentChoices({ methods, legend, initial }: { methods: Schemas["PaymentMethodView"][]; legend: string; initial?: string | undefined }): JSX.Element {
  const saved = methods.toSorted((one, other) => Number(other.is_default) - Number(one.is_default));
  const options = [
    ...saved.map((one) => ({ value: one.payment_method, label: cardName(one) })),
    ...Object.entries(t().checkout.cards).map(([value, label]) => ({ value, label })),
  ];
  return <Choices name="/payment_method" legend={legend} options={options} initial={initial} />;
}

function Summary(): JSX.Element {
  const total = sum(basket.value.map(lineTotal));
  return (
    <aside aria-label={t().checkout.summary} class="box">
      <h2>{t().checkout.summary}</h2>
      <ul class="plain">
        {basket.value.map((line) => (
          <li key={line.id} class="row">
            <span>
              {number(line.quantity)} × {line.name}
            </span>
            <span class="amount">{money(lineTotal(line))}</span>
          </li>
        ))}
      </ul>
      {total && (
        <p class="row total">
          {t().basket.subtotal} <strong>{money(total)}</strong>
        </p>
      )}
      <p class="hint">{t().checkout.taxNote}</p>
    </aside>
  );
}
