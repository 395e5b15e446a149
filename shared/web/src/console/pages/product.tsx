// A product as staff see it: what it says, its stock with all movements, its prices and images.

import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, queries, type Schemas } from "../../core/client.ts";
import { useEdit, type Versioned } from "../../core/edit.ts";
import { decimal, minorDigits, moment, money, number, t } from "../../core/i18n/index.ts";
import { toMinor } from "../../core/money.ts";
import { isProblemOf } from "../../core/text.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import type { Rows } from "../../core/rows.ts";
import { Action } from "../../ui/action.tsx";
import { Changed } from "../../ui/changed.tsx";
import { Field, Form, Saved, Select, TextArea } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { Images } from "../images.tsx";
import { NotFound } from "../other-pages.tsx";
import { movements, prices, product as readProduct, stock, type Product } from "../reads.ts";
import { c } from "../texts/index.ts";

const REASONS = ["received", "returned", "damaged", "lost", "found", "recount"] as const;

/** The price in a form; else what is wrong with it, by field. */
function priceOf(values: Record<string, string>): { price: Schemas["Money"] } | { price: null; found: ReadonlyMap<string, string> } {
  const currency = values["/price/currency"]?.trim().toUpperCase() ?? "";
  if (!/^[A-Z]{3}$/.test(currency)) return { price: null, found: new Map([["/price/currency", c().badCurrency]]) };
  const amount = toMinor(values["/price/amount"] ?? "", minorDigits(currency));
  if (amount === null) return { price: null, found: new Map([["/price/amount", c().products.badPrice(decimal({ amount: 1250, currency }))]]) };
  return { price: { amount, currency } };
}

function Fields({ product }: { product: Product | null }): JSX.Element {
  return (
    <>
      <Field name="/name" label={c().products.name} maxLength={200} defaultValue={product?.name ?? ""} required />
      <Field name="/category" label={c().products.category} hint={c().products.categoryHint} maxLength={64} defaultValue={product?.category ?? ""} required />
      <div class="columns">
        <Field name="/price/amount" label={c().products.price} inputMode="decimal" defaultValue={product ? decimal(product.price) : ""} required />
        <Field name="/price/currency" label={c().products.currency} maxLength={3} defaultValue={product?.price.currency ?? "USD"} required />
      </div>
      <TextArea name="/description" label={c().products.description} defaultValue={product?.description ?? ""} />
    </>
  );
}

const NONE: ReadonlyMap<string, string> = new Map();

export function NewProduct(): JSX.Element {
  const { route } = useLocation();
  const [found, setFound] = useState(NONE);
  const create = (body: Schemas["CreateProduct"], key: string): Promise<Product> => unwrap(api.POST("/api/v1/products", { params: { header: { "Idempotency-Key": key } }, body }));
  const creating = useKeyed("POST /products", create, {
    onSuccess: (created) => route(`/console/products/${created.id}`, true),
  });
  const submit = (values: Record<string, string>): void => {
    const read = priceOf(values);
    setFound(read.price ? NONE : read.found);
    if (!read.price) return;
    const [sku = "", name = "", category = "", description = ""] = ["/sku", "/name", "/category", "/description"].map((field) => values[field]?.trim());
    creating.mutate({ sku, name, category, description, price: read.price, stock_quantity: Number(values["/stock_quantity"] ?? 0) });
  };
  return (
    <div class="sections">
      <Title>{c().products.add}</Title>
      <Form submit={c().products.add} isBusy={creating.isPending} error={creating.error} found={found} onSubmit={submit}>
        <Field name="/sku" label={c().products.sku} maxLength={64} spellcheck={false} required />
        <Fields product={null} />
        <Field name="/stock_quantity" label={c().products.initialStock} type="number" min={0} defaultValue="0" required />
      </Form>
    </div>
  );
}

export function ProductPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(readProduct(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return (
    <Loaded query={query} isPage>
      {({ data, tag }) => (
        <div class="sections">
          <Title>{data.name}</Title>
          <p class="hint">
            {data.sku} · {money(data.price)} · <a href={`/products/${data.id}`}>{c().nav.shop}</a>
          </p>
          <Edit current={{ data, tag }} />
          <Stock product={data} />
          <Images product={data} />
          <Prices product={data} />
          <Withdraw product={data} />
        </div>
      )}
    </Loaded>
  );
}

const rowsOf = ({ name, category, price, description }: Product): Rows => [
  [c().products.name, name],
  [c().products.category, category],
  [c().products.price, money(price)],
  [c().products.description, description],
];

function Edit({ current }: { current: Versioned<Product> }): JSX.Element {
  const { id } = current.data;
  const [found, setFound] = useState(NONE);
  const { data, changed, form, save, isSaved } = useEdit({
    current,
    read: () => queries.fetchQuery({ ...readProduct(id), staleTime: 0 }),
    send: (body: Schemas["UpdateProduct"], { tag }) => unwrap(api.PUT("/api/v1/products/{id}", { params: { path: { id }, header: { "If-Match": tag } }, body })),
    reload: () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(id) }),
    rows: rowsOf,
  });
  const submit = (values: Record<string, string>): void => {
    const read = priceOf(values);
    setFound(read.price ? NONE : read.found);
    if (!read.price) return;
    const [name = "", category = "", description = ""] = ["/name", "/category", "/description"].map((field) => values[field]?.trim());
    save({ name, category, description, price: read.price });
  };
  return (
    <section>
      <h2>{c().products.edit}</h2>
      <Changed rows={changed} />
      <Form {...form} submit={t().save} found={found} onSubmit={submit}>
        <Fields product={data} />
      </Form>
      <Saved isSaved={isSaved} />
    </section>
  );
}

function Stock({ product }: { product: Product }): JSX.Element {
  const level = useQuery(stock(product.id));
  const [found, setFound] = useState(NONE);
  const [version, setVersion] = useState(0);
  const path = { id: product.id };
  const adjust = (body: Schemas["AdjustStock"], key: string): Promise<unknown> => unwrap(api.PATCH("/api/v1/products/{id}/stock", { params: { path, header: { "Idempotency-Key": key } }, body }));
  const adjusting = useKeyed(`PATCH /products/${product.id}/stock`, adjust, {
    onSuccess: async () => {
      setVersion((before) => before + 1);
      await queries.invalidateQueries({ queryKey: ["stock", product.id] });
      await queries.invalidateQueries({ queryKey: ["movements", product.id] });
    },
  });
  const submit = (values: Record<string, string>): void => {
    const delta = Number(values["/delta"]?.replace("−", "-"));
    const isWrong = !Number.isSafeInteger(delta) || delta === 0;
    setFound(isWrong ? new Map([["/delta", c().products.badDelta]]) : NONE);
    const reason = REASONS.find((one) => one === values["/reason"]) ?? "recount";
    if (!isWrong) adjusting.mutate({ delta, reason });
  };
  return (
    <section>
      <h2>{c().products.stock}</h2>
      <Loaded query={level}>
        {({ available, reserved }) => (
          <p>
            {c().products.available}: <strong>{number(available)}</strong> · {c().products.reserved}: <strong>{number(reserved)}</strong>
          </p>
        )}
      </Loaded>
      <Form version={version} submit={c().products.adjust} isBusy={adjusting.isPending} error={adjusting.error} found={found} onSubmit={submit}>
        <div class="columns">
          <Field name="/delta" label={c().products.delta} hint={c().products.deltaHint} required />
          <Select name="/reason" label={c().reason} required>
            {REASONS.map((reason) => (
              <option key={reason} value={reason}>
                {c().products.reasons[reason]}
              </option>
            ))}
          </Select>
        </div>
      </Form>
      <Saved isSaved={adjusting.isSuccess} />
      <Movements product={product} />
    </section>
  );
}

function Movements({ product }: { product: Product }): JSX.Element {
  const list = useInfiniteQuery(movements(product.id));
  return (
    <>
      <h3>{c().products.movements}</h3>
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().products.movements} head={[c().time, c().products.kind, { number: c().products.units }, { number: c().products.available }, { number: c().products.reserved }, c().reason]}>
            {items.map((one) => (
              <tr key={one.version}>
                <td>{moment(one.at)}</td>
                <td>{c().products.kinds[one.kind] ?? one.kind}</td>
                <td class="amount">{number(one.quantity)}</td>
                <td class="amount">{number(one.available)}</td>
                <td class="amount">{number(one.reserved)}</td>
                <td>{one.order_id ? <a href={`/console/orders/${one.order_id}`}>{t().orders.order}</a> : one.reason && (c().products.reasons[one.reason] ?? one.reason)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </>
  );
}

function Prices({ product }: { product: Product }): JSX.Element {
  const list = useInfiniteQuery(prices(product.id));
  return (
    <section>
      <h2>{c().products.prices}</h2>
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().products.prices} head={[c().products.since, { number: c().products.price }]}>
            {items.map((one) => (
              <tr key={one.version}>
                <td>{moment(one.since)}</td>
                <td class="amount">{money(one.price)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}

function Withdraw({ product }: { product: Product }): JSX.Element {
  const { route } = useLocation();
  return (
    <Action
      label={c().products.withdraw}
      question={c().products.withdrawText}
      isDanger
      run={async () => {
        await unwrap(api.DELETE("/api/v1/products/{id}", { params: { path: { id: product.id } } }));
        await queries.invalidateQueries({ queryKey: ["products"] });
        route("/console/products", true);
      }}
    />
  );
}
