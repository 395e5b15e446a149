// Days of UTC, as the summary of analytics has them, gathered into the figures and bars of a page.

import type { components } from "../api/schema.d.ts";
import { OUTCOMES, type Tally, type Outcome } from "./windows.ts";

type DayView = components["schemas"]["DayView"];
type Row = Pick<DayView, "day" | "orders" | "revenue" | "average_order_value" | "first_orders" | "repeat_orders" | "payments" | "peak_hour">;

const DAY_MS = 86_400_000;
/** Days of a chart. The last one is the day to look at. */
const LENGTH = 7;

const dayAt = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** The day that a text such as 2026-11-21 names, else the one that it is now. */
export function dayOf(text: string, now: number): string {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  // Some engines read 2026-02-31 as a day in March.
  return !Number.isNaN(time) && dayAt(time) === text ? text : dayAt(now);
}

/** The period of the chart that ends with this day. */
export function periodOf(day: string): { from: string; to: string } {
  const end = Date.parse(day) + DAY_MS;
  return { from: new Date(end - LENGTH * DAY_MS).toISOString(), to: new Date(end).toISOString() };
}

/** Days of UTC, the first and the last one. */
export interface Days {
  from: string;
  to: string;
}

/** The days that two texts name; today, if one names none. */
export function daysOf(from: string, to: string, now: number): Days {
  const [first, last] = [dayOf(from, now), dayOf(to, now)];
  return first <= last ? { from: first, to: last } : { from: last, to: first };
}

/** Days of a period, at most. */
export const MAX_DAYS = 31;
/** The API takes times until the end of 9998, and a period ends after its last day. */
export const FIRST_DAY = "1970-01-01";
export const LAST_DAY = "9998-12-30";

/** Why the API has nothing of a period, by the field that is to change: a day that it does not know, or too many of them. */
export function refusals(from: string, to: string): ReadonlyMap<keyof Days, "day" | "length"> {
  // Years of five digits are no days here, as those of a date field may be.
  const isDay = (text: string): boolean => dayOf(text, 0) === text && text >= FIRST_DAY && text <= LAST_DAY;
  const wrong = (["from", "to"] as const).filter((name) => !isDay({ from, to }[name]));
  if (wrong.length > 0) return new Map(wrong.map((name) => [name, "day"]));
  return new Map(Math.abs(Date.parse(to) - Date.parse(from)) < MAX_DAYS * DAY_MS ? [] : [["to", "length"]]);
}

/** From the start of the first day to the end of the last one. */
export function periodBetween({ from, to }: Days): { from: string; to: string } {
  return { from: new Date(Date.parse(from)).toISOString(), to: new Date(Date.parse(to) + DAY_MS).toISOString() };
}

export interface Figures {
  currency: string;
  /** In minor units. */
  revenue: number;
  average: number;
  firstOrders: number;
  repeatOrders: number;
  peakHour: string | null;
  payments: Record<Outcome, Tally>;
}

interface Bar {
  day: string;
  value: number;
}

export interface DaySummary {
  /** Confirmed orders of the day. */
  orders: number;
  /** Of the day, by currency: amounts of several cannot be added. */
  currencies: Figures[];
  ordersByDay: Bar[];
  /** In minor units, by currency. */
  revenueByDay: { currency: string; days: Bar[] }[];
}

const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);

/** What the page of a day shows, of the rows of its chart. */
export function summaryOf(rows: readonly Row[], day: string): DaySummary {
  const days = Array.from({ length: LENGTH }, (_, index) => dayAt(Date.parse(day) - (LENGTH - 1 - index) * DAY_MS));
  const bars = (of: readonly Row[], valueOf: (row: Row) => number): Bar[] => days.map((one) => ({ day: one, value: sum(of.filter((row) => row.day === one).map(valueOf)) }));
  const today = rows.filter((row) => row.day === day);
  const sold = [...new Set(rows.filter(({ orders }) => orders > 0).map(({ revenue }) => revenue.currency))].sort();
  return {
    orders: sum(today.map(({ orders }) => orders)),
    // A row without orders and payments says that nothing happened, and not that its currency is used.
    currencies: today.filter(({ orders, payments }) => orders > 0 || OUTCOMES.some((outcome) => payments[outcome].count > 0)).map(figuresOf),
    ordersByDay: bars(rows, ({ orders }) => orders),
    revenueByDay: sold.map((currency) => ({
      currency,
      days: bars(
        rows.filter(({ revenue }) => revenue.currency === currency),
        ({ revenue }) => revenue.amount,
      ),
    })),
  };
}

function figuresOf(row: Row): Figures {
  const tally = (outcome: Outcome): Tally => ({ count: row.payments[outcome].count, amount: row.payments[outcome].amount.amount });
  return {
    currency: row.revenue.currency,
    revenue: row.revenue.amount,
    average: row.average_order_value.amount,
    firstOrders: row.first_orders,
    repeatOrders: row.repeat_orders,
    peakHour: row.peak_hour?.start ?? null,
    payments: { paid: tally("paid"), declined: tally("declined"), refunded: tally("refunded") },
  };
}
