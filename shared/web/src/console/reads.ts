// What the pages of the console read.

import { infiniteQueryOptions, queryOptions } from "@tanstack/preact-query";
import { api, MADE_LATER, queries, type Schemas } from "../core/client.ts";
import { now } from "../core/clock.ts";
import { unwrap, unwrapWithTag } from "../core/problem.ts";
import { isProblemOf } from "../core/text.ts";
import { periodBetween, periodOf, type Days } from "./days.ts";
import { receiversOf, type EventDocument } from "./replays.ts";
import { spanOf, summarize, type Anomaly, type PeriodName } from "./windows.ts";

export type Order = Schemas["OrderView"];
export type Payment = Schemas["PaymentView"];
export type Product = Schemas["ProductView"];
export type User = Schemas["UserView"];
export type Import = Schemas["ProductImportView"];
export type Export = Schemas["ProductExportView"];
export type Endpoint = Schemas["WebhookEndpointView"];
export type Client = Schemas["ClientView"];
export type Source = Schemas["SourceView"];
export type MessageTemplate = Schemas["MessageTemplateView"];

interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** Items of a page. */
export const PAGE = 25;
const LIST_INTERVAL = 10_000;

/** A list read page by page. `read` gets the query of one page. */
function pages<T>(key: readonly unknown[], read: (query: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Page<T>>) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => read({ limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? null,
    staleTime: 0,
  });
}

export const ORDER_SORTS = ["-created_at", "created_at", "-total_amount", "total_amount"] as const;
export const STATUSES = ["pending", "processing", "shipped", "delivered", "cancelled"] as const;

export interface OrderFilters {
  /** The number that messages name the order by. */
  number?: string;
  status?: (typeof STATUSES)[number];
  user_id?: string;
  from?: string;
  to?: string;
  currency?: string;
  min_amount?: number;
  max_amount?: number;
  sort?: (typeof ORDER_SORTS)[number];
}

interface ListState {
  state: { data: { pages: { items: unknown[] }[] } | undefined };
}

/** A list that is read again while one page is shown: with more of them, rows would move under the reader. */
const SINGLE_PAGE = { refetchInterval: ({ state }: ListState) => (state.data?.pages.length === 1 ? LIST_INTERVAL : (false as const)) };

export const orders = (filters: OrderFilters) => ({
  ...pages(["orders", filters], (page, signal) => unwrap(api.GET("/api/v1/orders", { params: { query: { ...filters, ...page } }, signal }))),
  ...SINGLE_PAGE,
});

/** An order with its ETag, read again while it may move. */
export const order = (id: string) =>
  queryOptions({
    queryKey: ["order", id],
    queryFn: ({ signal }) => unwrapWithTag(api.GET("/api/v1/orders/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.data.status === "pending" ? 3_000 : 30_000),
    staleTime: 0,
  });

export const payment = (orderId: string) =>
  queryOptions({
    queryKey: ["payment", orderId],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/payments/order/{order_id}", { params: { path: { order_id: orderId } }, signal })),
    staleTime: 0,
  });

export const paymentById = (id: string) =>
  queryOptions({
    queryKey: ["payment", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/payments/{id}", { params: { path: { id } }, signal })),
    refetchInterval: 30_000,
    staleTime: 0,
  });

export const notes = (id: string) =>
  pages(["notes", id], (query, signal) => unwrap(api.GET("/api/v1/orders/{id}/notes", { params: { path: { id }, query }, signal })));

export const notifications = (orderId: string) =>
  pages(["notifications", orderId], (query, signal) => unwrap(api.GET("/api/v1/notifications", { params: { query: { ...query, order_id: orderId } }, signal })));

export interface ProductFilters {
  q?: string;
  available?: boolean;
  low_stock?: boolean;
}

export const products = (filters: ProductFilters) =>
  pages(["products", filters], (page, signal) => unwrap(api.GET("/api/v1/products", { params: { query: { ...page, ...filters } }, signal })));

export const product = (id: string) =>
  queryOptions({
    queryKey: ["product", id],
    queryFn: ({ signal }) => unwrapWithTag(api.GET("/api/v1/products/{id}", { params: { path: { id } }, signal })),
    staleTime: 0,
  });

export const stock = (id: string) =>
  queryOptions({
    queryKey: ["stock", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/products/{id}/stock", { params: { path: { id } }, signal })),
    ...MADE_LATER,
    staleTime: 0,
  });

export const movements = (id: string) => ({
  ...pages(["movements", id], (query, signal) => unwrap(api.GET("/api/v1/products/{id}/stock/movements", { params: { path: { id }, query }, signal }))),
  ...MADE_LATER,
});

export const prices = (id: string) => ({
  ...pages(["prices", id], (query, signal) => unwrap(api.GET("/api/v1/products/{id}/prices", { params: { path: { id }, query }, signal }))),
  ...MADE_LATER,
});

export const images = (id: string) =>
  queryOptions({
    queryKey: ["images", id],
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/products/{id}/images", { params: { path: { id } }, signal }))).items,
    // An image that was uploaded is resized before it can be shown.
    refetchInterval: ({ state }) => (state.data?.some(({ status }) => status === "pending") ? 2_000 : false),
  });

export const isRunning = ({ status }: { status: string }): boolean => status === "awaiting_upload" || status === "running";

const JOB_INTERVAL = 2_000;
// Links to files end after a quarter of an hour.
const LINK_INTERVAL = 600_000;

export const importJobs = () =>
  pages(["imports"], (query, signal) => unwrap(api.GET("/api/v1/products/imports", { params: { query }, signal })));

export const importJob = (id: string) =>
  queryOptions({
    queryKey: ["import", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/products/imports/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isRunning(state.data) ? JOB_INTERVAL : LINK_INTERVAL),
    staleTime: 0,
  });

export const exportJobs = () =>
  pages(["exports"], (query, signal) => unwrap(api.GET("/api/v1/products/exports", { params: { query }, signal })));

export const exportJob = (id: string) =>
  queryOptions({
    queryKey: ["export", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/products/exports/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isRunning(state.data) ? JOB_INTERVAL : LINK_INTERVAL),
    staleTime: 0,
  });

/** Characters that the API needs at least to search for people. */
export const MIN_SEARCH = 3;
/** Characters that it takes at most. */
export const MAX_SEARCH = 100;

export const users = (query: string) =>
  pages(["users", query], (page, signal) => unwrap(api.GET("/api/v1/users", { params: { query: { ...page, query } }, signal })));

/** What a search has found of a person: by id, the API shows an account to admins alone. */
export function foundUser(id: string): User | undefined {
  const searches = queries.getQueriesData<{ pages: { items: User[] }[] }>({ queryKey: ["users"] });
  return searches.flatMap(([, data]) => data?.pages.flatMap((page) => page.items) ?? []).find((user) => user.id === id);
}

/** The account of a person, for admins. */
export const user = (id: string) =>
  queryOptions({
    queryKey: ["user", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/users/{id}", { params: { path: { id } }, signal })),
  });

export const mismatches = () =>
  pages(["mismatches"], (query, signal) => unwrap(api.GET("/api/v1/ops/payments/mismatches", { params: { query }, signal })));

export const refundApprovals = () =>
  pages(["refund-approvals"], (query, signal) => unwrap(api.GET("/api/v1/ops/payments/refund-approvals", { params: { query }, signal })));

export const queues = () =>
  queryOptions({
    queryKey: ["queues"],
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/ops/queues", { signal }))).items,
    refetchInterval: LIST_INTERVAL,
  });

/** The functions that receive events, as the description of the events has them. */
export const receivers = () =>
  queryOptions({
    queryKey: ["receivers"],
    queryFn: async ({ signal }) => receiversOf((await (await fetch("/asyncapi.json", { signal })).json()) as EventDocument),
    staleTime: Infinity,
  });

export const settings = () =>
  queryOptions({
    queryKey: ["settings"],
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/ops/settings", { signal }))).items,
    staleTime: 0,
  });

type DeadLetter = Pick<Schemas["DeadLetterView"], "id" | "dead_since">;

/** The oldest first: SQS returns them in another order each time. */
export const byAge = (one: DeadLetter, other: DeadLetter): number => one.dead_since.localeCompare(other.dead_since) || one.id.localeCompare(other.id);

/** The dead letters of a consumer, of one reason or all. Not read again by themselves, because reading hides them from a redrive for a moment. */
export const deadLetters = (queue: string, reason: string) =>
  pages(["dead-letters", queue, reason], async (page, signal) => {
    const query = { ...page, queue, ...(reason ? { reason } : {}) };
    const { items, next_cursor } = await unwrap(api.GET("/api/v1/ops/dead-letters", { params: { query }, signal }));
    return { items: items.toSorted(byAge), next_cursor };
  });

export const stuckOrders = (minutes: number) => ({
  ...pages(["stuck-orders", minutes], (page, signal) => unwrap(api.GET("/api/v1/ops/stuck-orders", { params: { query: { ...page, minutes } }, signal }))),
  ...SINGLE_PAGE,
});

export const audit = () => ({
  ...pages(["audit"], (query, signal) => unwrap(api.GET("/api/v1/ops/audit", { params: { query }, signal }))),
  ...SINGLE_PAGE,
});

/** The API says of an order without a recorded event that there is none: an event is recorded up to half a minute after it occurred. */
const NOT_RECORDED: Schemas["ListOfTimelineEntryView"] = { items: [], next_cursor: null };

export const timeline = (id: string) => ({
  ...pages(["timeline", id], async (query, signal) => {
    try {
      return await unwrap(api.GET("/api/v1/ops/orders/{id}/timeline", { params: { path: { id }, query }, signal }));
    } catch (error) {
      if (isProblemOf(error, "not-found")) return NOT_RECORDED;
      throw error;
    }
  }),
  // What has been removed does not come back.
  refetchInterval: ({ state }: { state: { error: Error | null } }) => (isProblemOf(state.error, "history-removed") ? (false as const) : 5_000),
});

/** The sales of a period. Its windows are many pages, and a page shows them all. */
export const sales = (period: PeriodName) =>
  queryOptions({
    queryKey: ["sales", period],
    queryFn: async ({ signal }) => {
      const span = spanOf(period, now());
      const query = { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString(), limit: 100 };
      const windows: Schemas["WindowView"][] = [];
      for (let cursor: string | null | undefined = ""; cursor != null; ) {
        const page: Schemas["ListOfWindowView"] = await unwrap(api.GET("/api/v1/analytics/windows", { params: { query: cursor ? { ...query, cursor } : query }, signal }));
        windows.push(...page.items);
        cursor = page.next_cursor;
      }
      return summarize(windows, span);
    },
    refetchInterval: 30_000,
  });

/** The unusual windows of a period, all of them: a chart marks each one. */
export const anomalies = (period: PeriodName) =>
  queryOptions({
    queryKey: ["anomalies", period],
    queryFn: async ({ signal }) => {
      const span = spanOf(period, now());
      const query = { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString(), limit: 100 };
      const found: Anomaly[] = [];
      for (let cursor: string | null | undefined = ""; cursor != null; ) {
        const page: Schemas["ListOfAnomalyView"] = await unwrap(api.GET("/api/v1/analytics/anomalies", { params: { query: cursor ? { ...query, cursor } : query }, signal }));
        found.push(...page.items);
        cursor = page.next_cursor;
      }
      return found;
    },
    refetchInterval: 30_000,
  });

export const ledger = (days: Days) =>
  queryOptions({
    queryKey: ["ledger", days],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/ops/ledger", { params: { query: periodBetween(days) }, signal })),
    staleTime: 0,
  });

/** The summary of the days that the page of one day shows. */
export const daySummary = (day: string) =>
  queryOptions({
    queryKey: ["summary", day],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/analytics/summary", { params: { query: periodOf(day) }, signal })),
    refetchInterval: 30_000,
  });

export const endpoints = () =>
  pages(["endpoints"], (query, signal) => unwrap(api.GET("/api/v1/webhook-endpoints", { params: { query }, signal })));

export const endpoint = (id: string) =>
  queryOptions({
    queryKey: ["endpoint", id],
    queryFn: ({ signal }) => unwrapWithTag(api.GET("/api/v1/webhook-endpoints/{id}", { params: { path: { id } }, signal })),
    staleTime: 0,
  });

export const clients = () => pages(["clients"], (query, signal) => unwrap(api.GET("/api/v1/oauth/clients", { params: { query }, signal })));

export const sources = () => pages(["sources"], (query, signal) => unwrap(api.GET("/api/v1/data/sources", { params: { query }, signal })));

export const source = (name: string) =>
  queryOptions({
    queryKey: ["source", name],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/data/sources/{name}", { params: { path: { name } }, signal })),
    staleTime: 0,
  });

/** A page of archived records may be empty and have a next one. */
export const records = (source: string, days: Days) =>
  pages(["records", source, days], async (page, signal) => {
    for (let { cursor } = page; ; ) {
      const query = { source, ...periodBetween(days), ...page, ...(cursor ? { cursor } : {}) };
      const read: Schemas["ListOfRecordView"] = await unwrap(api.GET("/api/v1/data", { params: { query }, signal }));
      if (read.items.length > 0 || !read.next_cursor) return read;
      cursor = read.next_cursor;
    }
  });

export const rollups = (name: string, days: Days) =>
  queryOptions({
    queryKey: ["rollups", name, days],
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/data/sources/{name}/rollups", { params: { path: { name }, query: periodBetween(days) }, signal }))).items,
    staleTime: 0,
  });

/** A record, which never changes. */
export const record = (id: string) =>
  queryOptions({
    queryKey: ["record", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/data/{id}", { params: { path: { id } }, signal })),
  });

/** The texts of a message: those that apply, or those of a version. */
export const messageTemplate = (name: MessageTemplate["name"], locale: MessageTemplate["locale"], version?: number) =>
  queryOptions({
    queryKey: ["message-template", name, locale, version ?? "current"],
    queryFn: ({ signal }) => unwrapWithTag(api.GET("/api/v1/message-templates/{name}/{locale}", { params: { path: { name, locale }, query: version === undefined ? {} : { version } }, signal })),
    staleTime: 0,
  });

export const deliveries = (id: string) => ({
  ...pages(["deliveries", id], (query, signal) => unwrap(api.GET("/api/v1/webhook-endpoints/{id}/deliveries", { params: { path: { id }, query }, signal }))),
  refetchInterval: 5_000,
});

/** The number of an order as people copy it from a message, which is the end of its id; null if it is none. */
export function orderNumber(text: string): string | null {
  const number = text.replaceAll(/\s/g, "").toLowerCase();
  return /^[0-9a-f]{12}$/.test(number) ? number : null;
}

export const isId = (text: string): boolean => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
