// What the pages of the shop read.

import { queryOptions, infiniteQueryOptions } from "@tanstack/preact-query";
import { api, queries, type Schemas } from "../core/client.ts";
import { unwrap, unwrapIfChanged, unwrapWithTag } from "../core/problem.ts";
import type { Filters } from "./filters.ts";
import { nextPaymentRead, nextRead, watched, type Watched } from "./follow.ts";

export type Product = Schemas["ProductView"];
export type Order = Schemas["OrderView"];
export type Payment = Schemas["PaymentView"];

const PAGE = 24;

export const products = (filters: Filters) =>
  infiniteQueryOptions({
    queryKey: ["products", filters],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...filters, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) };
      return unwrap(api.GET("/api/v1/products", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });

export const categories = () =>
  queryOptions({
    queryKey: ["categories"],
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/categories", { signal }))).items,
    staleTime: 300_000,
  });

export const product = (id: string) =>
  queryOptions({
    queryKey: ["product", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/products/{id}", { params: { path: { id } }, signal })),
  });

/** The products of the basket that are still on sale. */
export const productsById = (ids: string[]) =>
  queryOptions({
    queryKey: ["products-by-id", ids],
    queryFn: async ({ signal }) => {
      const query = { ids: ids.join(",") };
      return (await unwrap(api.GET("/api/v1/products", { params: { query }, signal }))).items;
    },
    enabled: ids.length > 0,
    staleTime: 0,
  });

interface Followed {
  order: Order;
  tag: string;
  unchangedReads: number;
}

export const followedOrder = (id: string) =>
  queryOptions({
    queryKey: ["order", id],
    queryFn: async ({ signal }): Promise<Followed> => {
      const known = queries.getQueryData<Followed>(["order", id]);
      const headers = known ? { "If-None-Match": known.tag } : {};
      const read = await unwrapIfChanged(api.GET("/api/v1/orders/{id}", { params: { path: { id } }, headers, signal }));
      return read ? { order: read.data, tag: read.tag, unchangedReads: 0 } : { ...(known as Followed), unchangedReads: (known?.unchangedReads ?? 0) + 1 };
    },
    refetchInterval: ({ state }) => (state.data ? nextRead(state.data.order, state.data.unchangedReads, knownPayment(id)?.payment.status) : false),
    staleTime: 0,
  });

const knownPayment = (orderId: string): Watched<Payment> | undefined => queries.getQueryData<Watched<Payment>>(["payment", orderId]);

export const watchedPayment = (order: Order) =>
  queryOptions({
    queryKey: ["payment", order.id],
    queryFn: async ({ signal }) => watched(knownPayment(order.id), await unwrap(api.GET("/api/v1/payments/order/{order_id}", { params: { path: { order_id: order.id } }, signal }))),
    enabled: order.payment_id !== null,
    refetchInterval: ({ state }) => nextPaymentRead(order, state.data?.payment.status, state.data?.unchangedReads ?? 0),
  });

/** Takes over a payment that is tried again, and follows its order as if it had just been placed. */
export async function follow(paid: Payment): Promise<void> {
  const [orderKey, paymentKey] = [["order", paid.order_id], ["payment", paid.order_id]];
  await queries.cancelQueries({ queryKey: paymentKey });
  queries.setQueryData<Watched<Payment>>(paymentKey, (known) => watched(known, paid));
  queries.setQueryData<Followed>(orderKey, (known) => known && { ...known, unchangedReads: 0 });
}

export const orders = () =>
  infiniteQueryOptions({
    queryKey: ["orders"],
    queryFn: ({ pageParam, signal }) => unwrap(api.GET("/api/v1/orders", { params: { query: { limit: 20, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    staleTime: 0,
  });

export const profile = (id: string) =>
  queryOptions({
    queryKey: ["user", id],
    queryFn: ({ signal }) => unwrapWithTag(api.GET("/api/v1/users/{id}", { params: { path: { id } }, signal })),
    staleTime: 0,
  });

export const savedMethods = () =>
  queryOptions({
    queryKey: ["payment-methods"],
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/payment-methods", { signal }))).items,
  });
