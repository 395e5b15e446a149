// Windows of analytics, gathered into the bars and lists of a page.

import type { components } from "../api/schema.d.ts";

export type Anomaly = components["schemas"]["AnomalyView"];
type Window = Pick<components["schemas"]["WindowView"], "start" | "orders" | "revenue" | "top_products" | "by_region" | "first_orders" | "payments">;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Lengths of time to look at: how far back, the width of a bar, and how far apart its labels are. */
export const PERIODS = {
  hour: { length: HOUR, step: 5 * MINUTE, label: 15 * MINUTE },
  hours: { length: 6 * HOUR, step: 15 * MINUTE, label: 2 * HOUR },
  day: { length: 24 * HOUR, step: HOUR, label: 6 * HOUR },
} as const;
export type PeriodName = keyof typeof PERIODS;

/** Start and end in milliseconds: whole bars, the last of which has begun. */
export interface Span {
  from: number;
  to: number;
  step: number;
}

export function spanOf(name: PeriodName, now: number): Span {
  const { length, step } = PERIODS[name];
  const to = (Math.floor(now / step) + 1) * step;
  return { from: to - length, to, step };
}

export interface Bucket {
  start: number;
  orders: number;
  /** In minor units. */
  revenue: number;
}

export interface Region {
  region: string;
  orders: number;
  revenue: number;
}

export const OUTCOMES = ["paid", "declined", "refunded"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Tally {
  count: number;
  amount: number;
}

export interface Totals {
  currency: string;
  orders: number;
  revenue: number;
  average: number;
  buckets: Bucket[];
  regions: Region[];
  /** Orders of customers who had none before. */
  firstOrders: number;
  payments: Record<Outcome, Tally>;
}

export interface Summary {
  span: Span;
  orders: number;
  buckets: Bucket[];
  /** By currency: amounts of several cannot be added. */
  currencies: Totals[];
  products: { id: string; name: string; units: number }[];
}

const BEST = 10;

export function summarize(windows: readonly Window[], span: Span): Summary {
  // A window without orders and payments says that nothing happened, and not that its currency is used.
  const used = windows.filter(({ orders, payments }) => orders > 0 || OUTCOMES.some((outcome) => payments[outcome].count > 0));
  const codes = [...new Set(used.map(({ revenue }) => revenue.currency))].sort();
  return {
    span,
    orders: windows.reduce((total, one) => total + one.orders, 0),
    buckets: bucketsOf(windows, span),
    currencies: codes.map((currency) => totalsOf(currency, windows.filter(({ revenue }) => revenue.currency === currency), span)),
    products: bestSellers(windows),
  };
}

function totalsOf(currency: string, windows: readonly Window[], span: Span): Totals {
  const buckets = bucketsOf(windows, span);
  const orders = buckets.reduce((total, one) => total + one.orders, 0);
  const revenue = buckets.reduce((total, one) => total + one.revenue, 0);
  return { currency, orders, revenue, average: orders === 0 ? 0 : Math.round(revenue / orders), buckets, regions: regionsOf(windows), firstOrders: windows.reduce((total, one) => total + one.first_orders, 0), payments: paymentsOf(windows) };
}

function paymentsOf(windows: readonly Window[]): Totals["payments"] {
  const sum = (outcome: Outcome): Tally => ({
    count: windows.reduce((total, { payments }) => total + payments[outcome].count, 0),
    amount: windows.reduce((total, { payments }) => total + payments[outcome].amount.amount, 0),
  });
  return { paid: sum("paid"), declined: sum("declined"), refunded: sum("refunded") };
}

function bucketsOf(windows: readonly Window[], { from, to, step }: Span): Bucket[] {
  const buckets = Array.from({ length: (to - from) / step }, (_, index) => ({ start: from + index * step, orders: 0, revenue: 0 }));
  for (const { start, orders, revenue } of windows) {
    const bucket = buckets[Math.floor((Date.parse(start) - from) / step)];
    if (!bucket) continue;
    bucket.orders += orders;
    bucket.revenue += revenue.amount;
  }
  return buckets;
}

/** Starts of the bars with an unusual window; `currency` is null for a figure of all currencies. */
export function unusualBuckets(anomalies: readonly Anomaly[], metric: "orders" | "revenue", currency: string | null, { from, step }: Pick<Span, "from" | "step">): ReadonlySet<number> {
  const found = anomalies.filter((one) => one.metric === metric && (currency === null || one.currency === currency));
  return new Set(found.map(({ start }) => from + Math.floor((Date.parse(start) - from) / step) * step));
}

function regionsOf(windows: readonly Window[]): Region[] {
  const found = new Map<string, Region>();
  for (const { region, orders, revenue } of windows.flatMap((one) => one.by_region)) {
    const before = found.get(region) ?? { region, orders: 0, revenue: 0 };
    found.set(region, { region, orders: before.orders + orders, revenue: before.revenue + revenue.amount });
  }
  return [...found.values()].sort((one, other) => other.revenue - one.revenue || one.region.localeCompare(other.region)).slice(0, BEST);
}

function bestSellers(windows: readonly Window[]): Summary["products"] {
  const found = new Map<string, { id: string; name: string; units: number }>();
  for (const { product_id: id, name, quantity } of windows.flatMap((one) => one.top_products)) {
    found.set(id, { id, name, units: (found.get(id)?.units ?? 0) + quantity });
  }
  return [...found.values()].sort((one, other) => other.units - one.units || one.name.localeCompare(other.name)).slice(0, BEST);
}
