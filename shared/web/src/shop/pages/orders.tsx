import { useInfiniteQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { day, money, t } from "../../core/i18n/index.ts";
import { orderNumber } from "../../core/order-number.ts";
import { isSignedIn } from "../../core/session.ts";
import { Paged } from "../../ui/list.tsx";
import { Title } from "../../ui/page.tsx";
import { orders, type Order } from "../reads.ts";
import { LoginPage } from "./login.tsx";

export function OrdersPage(): JSX.Element {
  return isSignedIn.value ? <Orders /> : <LoginPage />;
}

function Orders(): JSX.Element {
  const list = useInfiniteQuery(orders());
  return (
    <>
      <Title>{t().orders.title}</Title>
      <Paged query={list} empty={<Empty />}>
        {(items) => <OrderRows orders={items} />}
      </Paged>
    </>
  );
}

function Empty(): JSX.Element {
  return (
    <>
      <p>{t().orders.empty}</p>
      <a class="button" href="/">
        {t().basket.browse}
      </a>
    </>
  );
}

function OrderRows({ orders: items }: { orders: Order[] }): JSX.Element {
  return (
    <ul class="lines">
      {items.map((order) => (
        <li key={order.id} class="order-row">
          <div>
            <a href={`/orders/${order.id}`}>{t().order.title(orderNumber(order.id))}</a>
            <p class="hint">
              {day(order.created_at)} · {order.items.map((line) => line.product_name).join(", ")}
            </p>
          </div>
          <span class={`tag ${order.status}`}>{t().order.statuses[order.status]}</span>
          <strong class="amount">{money(order.total_amount)}</strong>
        </li>
      ))}
    </ul>
  );
}
