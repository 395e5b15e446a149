import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { queries } from "../../core/client.ts";
import { decimal, minorDigits, moment, money, number, t } from "../../core/i18n/index.ts";
import { toMinor } from "../../core/money.ts";
import { caller } from "../../core/session.ts";
import { Field, Form, Select, useFormKey } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Title } from "../../ui/page.tsx";
import { LAST_DAY } from "../days.ts";
import { foundUser, isId, MAX_SEARCH, MIN_SEARCH, ORDER_SORTS, orderNumber, orders, STATUSES, user, users, type Order, type OrderFilters, type User } from "../reads.ts";
import { c } from "../texts/index.ts";

const AMOUNTS = ["min_amount", "max_amount"] as const;

/** Orders of all customers, by filters that are part of the address. */
export function OrderList(): JSX.Element {
  const { query, route } = useLocation();
  const filters = filtersOf(query);
  const list = useInfiniteQuery(orders(filters));
  const [key, keep] = useFormKey(search(filters));
  const apply = (changed: OrderFilters): void => {
    keep(search(changed));
    route(`/console/${search(changed)}`);
  };
  return (
    <>
      <Title>{c().orders.title}</Title>
      <FindOrder />
      <FindCustomer />
      {filters.user_id && <Whose id={filters.user_id} />}
      <Filters key={key} filters={filters} apply={apply} />
      <Paged query={list} empty={c().noMatch} isFound>
        {(items) => <OrderTable orders={items} />}
      </Paged>
    </>
  );
}

function filtersOf(query: Record<string, string>): OrderFilters {
  const amount = (text: string | undefined): number | undefined => (text && /^\d{1,15}$/.test(text) ? Number(text) : undefined);
  const time = (text: string | undefined): string | undefined => (text && !Number.isNaN(Date.parse(text)) ? text : undefined);
  const filters = {
    number: orderNumber(query["number"] ?? "") ?? undefined,
    status: STATUSES.find((status) => status === query["status"]),
    user_id: isId(query["user_id"] ?? "") ? query["user_id"] : undefined,
    from: time(query["from"]),
    to: time(query["to"]),
    currency: /^[A-Z]{3}$/.test(query["currency"] ?? "") ? query["currency"] : undefined,
    min_amount: amount(query["min_amount"]),
    max_amount: amount(query["max_amount"]),
    sort: ORDER_SORTS.find((sort) => sort === query["sort"]),
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as OrderFilters;
}

function search(filters: OrderFilters): string {
  const text = new URLSearchParams(Object.entries(filters).map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

/** Opens the order that an id or the number of a message names. */
function FindOrder(): JSX.Element {
  const { route } = useLocation();
  const [isWrong, setWrong] = useState(false);
  const finding = useMutation({
    mutationFn: async (number: string) => (await queries.fetchInfiniteQuery(orders({ number }))).pages[0]?.items ?? [],
    onSuccess: ([first, second], number) => {
      if (first) route(second ? `/console/${search({ number })}` : `/console/orders/${first.id}`);
    },
  });
  const open = ({ id = "" }: Record<string, string>): void => {
    const [whole, number] = [id.trim(), orderNumber(id)];
    finding.reset();
    setWrong(number === null && !isId(whole));
    if (number !== null) finding.mutate(number);
    else if (isId(whole)) route(`/console/orders/${whole}`);
  };
  const problem = isWrong ? c().orders.badNumber : finding.data?.length === 0 ? c().orders.noOrder : null;
  const found = useMemo(() => new Map(problem === null ? [] : [["id", problem]]), [problem]);
  return (
    <Form class="filters" submit={c().show} isBusy={finding.isPending} error={finding.error} onSubmit={open} found={found}>
      <Field name="id" label={c().orders.find} hint={c().orders.findHint} spellcheck={false} required />
    </Form>
  );
}

const ordersOf = (id: string): string => `/console/?user_id=${id}`;

/** Goes to the orders of the customer whom a text names, or asks which one of several is meant. */
function FindCustomer(): JSX.Element {
  const { route } = useLocation();
  const finding = useMutation({
    mutationFn: async (text: string) => (await queries.fetchInfiniteQuery(users(text))).pages[0],
    onSuccess: (page) => {
      const [first, second] = page?.items ?? [];
      if (first && !second) route(ordersOf(first.id));
    },
  });
  const { items = [], next_cursor: next } = finding.data ?? {};
  return (
    <>
      <Form class="filters" submit={t().products.search} isBusy={finding.isPending} error={finding.error} onSubmit={({ q = "" }) => finding.mutate(q.trim())}>
        <Field name="q" label={c().orders.findCustomer} hint={c().orders.findCustomerHint} type="search" minLength={MIN_SEARCH} maxLength={MAX_SEARCH} required />
      </Form>
      <div role="status">
        {finding.isSuccess && items.length === 0 && <p class="notice">{c().orders.noCustomer}</p>}
        {items.length > 1 && <p>{next ? c().orders.manyCustomers : c().orders.whichCustomer}</p>}
      </div>
      {items.length > 1 && (
        <ul class="plain">
          {items.map((one) => (
            <li key={one.id}>
              <a href={ordersOf(one.id)}>{nameOf(one)}</a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

const nameOf = ({ email, full_name: name }: User): string => (name ? `${name}, ${email}` : email);

/** Says whose orders are shown. By id alone, only admins see who it is. */
function Whose({ id }: { id: string }): JSX.Element {
  const query = useQuery({ ...user(id), enabled: caller.value?.role === "admin" });
  const known = query.data ?? foundUser(id);
  return (
    <p>
      {c().orders.whose} <a href={`/console/customers/${id}`}>{known ? nameOf(known) : id}</a>
    </p>
  );
}

function Filters({ filters, apply }: { filters: OrderFilters; apply: (filters: OrderFilters) => void }): JSX.Element {
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const [isOpenAtFirst] = useState(Object.keys(filters).length > 0);
  const submit = (values: Record<string, string>): void => {
    const currency = values["currency"]?.trim().toUpperCase() ?? "";
    const wrong = new Map<string, string>();
    const user = values["user_id"]?.trim() ?? "";
    if (user && !isId(user)) wrong.set("user_id", c().orders.badId);
    const isCurrency = /^[A-Z]{3}$/.test(currency);
    const amounts = AMOUNTS.filter((name) => values[name]).map((name) => [name, isCurrency ? toMinor(values[name] ?? "", minorDigits(currency)) : null] as const);
    if (!isCurrency && (currency || amounts.length > 0)) wrong.set("currency", c().badCurrency);
    else for (const [name, amount] of amounts) if (amount === null) wrong.set(name, c().order.badAmount(decimal({ amount: 1250, currency })));
    const [least, most] = AMOUNTS.map((name) => amounts.find(([one]) => one === name)?.[1] ?? null);
    if (least != null && most != null && least > most) wrong.set("max_amount", t().products.badRange);
    const time = (name: string): string => (values[name] ? new Date(`${values[name]}T00:00`).toISOString() : "");
    const [from, to] = [time("from"), time("to")];
    if (from && to && from >= to) wrong.set("to", c().replay.badEnd);
    setFound(wrong);
    if (wrong.size === 0) apply(filtersOf({ ...values, ...Object.fromEntries(amounts.map(([name, amount]) => [name, String(amount)])), user_id: user, currency, from, to }));
  };
  const amount = (value: number | undefined): string => (value === undefined || !filters.currency ? "" : decimal({ amount: value, currency: filters.currency }));
  const date = (time: string | undefined): string => (time ? localDate(new Date(time)) : "");
  return (
    <details open={isOpenAtFirst} class="box">
      <summary>{c().filter}</summary>
      <Form submit={c().filter} onSubmit={submit} found={found} actions={<a href="/console/">{c().reset}</a>}>
        <div class="columns">
          <Select name="status" label={c().status}>
            <option value="">{c().anyStatus}</option>
            {STATUSES.map((status) => (
              <option key={status} value={status} selected={status === filters.status}>
                {t().order.statuses[status]}
              </option>
            ))}
          </Select>
          <Select name="sort" label={c().sort}>
            {ORDER_SORTS.map((sort) => (
              <option key={sort} value={sort} selected={sort === filters.sort}>
                {c().orders.sorts[sort]}
              </option>
            ))}
          </Select>
          <Field name="from" label={c().from} type="date" max={LAST_DAY} defaultValue={date(filters.from)} />
          <Field name="to" label={c().to} type="date" max={LAST_DAY} defaultValue={date(filters.to)} />
          <Field name="currency" label={c().orders.currency} maxLength={3} defaultValue={filters.currency ?? ""} />
          <Field name="min_amount" label={c().orders.min} inputMode="decimal" defaultValue={amount(filters.min_amount)} />
          <Field name="max_amount" label={c().orders.max} inputMode="decimal" defaultValue={amount(filters.max_amount)} />
          <Field name="user_id" label={c().orders.user} spellcheck={false} defaultValue={filters.user_id ?? ""} />
        </div>
      </Form>
    </details>
  );
}

/** A day as date inputs have it, in the time zone of the browser. */
function localDate(time: Date): string {
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

export function OrderTable({ orders: items }: { orders: Order[] }): JSX.Element {
  return (
    <Table caption={c().orders.title} head={[c().created, t().orders.order, t().order.items, c().status, { number: c().total }]}>
      {items.map((order) => (
        <tr key={order.id}>
          <td>{moment(order.created_at)}</td>
          <td>
            <a href={`/console/orders/${order.id}`}>{order.id}</a>
          </td>
          <td>{order.items.map((line) => `${number(line.quantity)} × ${line.product_name}`).join(", ")}</td>
          <td>
            <span class={`tag ${order.status}`}>{t().order.statuses[order.status]}</span>
            {order.status_reason && <span class="hint"> {c().codes.orderReasons[order.status_reason] ?? order.status_reason}</span>}
          </td>
          <td class="amount">{money(order.total_amount)}</td>
        </tr>
      ))}
    </Table>
  );
}
