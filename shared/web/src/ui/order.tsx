// An order as customers and staff both see it: its status, products, address and history.

import type { ComponentChildren, JSX } from "preact";
import type { Schemas } from "../core/client.ts";
import { moment, t } from "../core/i18n/index.ts";
import { Address } from "./address.tsx";
import { ChangeAddress } from "./change-address.tsx";
import { OrderLines } from "./order-lines.tsx";

type Order = Schemas["OrderView"];
type Reason = Schemas["Reason"];

interface StatusProps {
  order: Order;
  /** A reason in the words of its readers. */
  reason: (reason: Reason) => string | undefined;
  children: ComponentChildren;
}

export function OrderStatus({ order, reason, children }: StatusProps): JSX.Element {
  return (
    <section class={`status ${order.status}`}>
      <div role="status">
        <p class="big">{t().order.statuses[order.status]}</p>
        {order.status_reason && <p>{reason(order.status_reason)}</p>}
      </div>
      {children}
    </section>
  );
}

interface DetailsProps {
  order: Order;
  /** ETag of the order, which a change of its address names. */
  tag: string;
  /** Path of a product, without its id. */
  link: string;
  reason: (reason: Reason) => string | undefined;
  onChanged: () => Promise<unknown>;
  /** Below the address. */
  children?: ComponentChildren;
}

export function OrderDetails({ order, tag, link, reason, onChanged, children }: DetailsProps): JSX.Element {
  return (
    <>
      <div class="columns">
        <section>
          <h2>{t().order.items}</h2>
          <OrderLines order={order} link={link} />
        </section>
        <section>
          <h2>{t().order.address}</h2>
          <Address value={order.shipping_address} />
          {isOpen(order) && <ChangeAddress order={order} tag={tag} onChanged={onChanged} />}
          {order.tracking_number && (
            <p>
              {t().order.tracking}: {order.carrier} {order.tracking_number}
            </p>
          )}
          {children}
        </section>
      </div>
      <section>
        <h2>{t().order.history}</h2>
        <ol class="history">
          {order.history.map((entry, index) => (
            <li key={index}>
              <time dateTime={entry.at}>{moment(entry.at)}</time> {t().order.statuses[entry.status]}
              {entry.reason && <span class="hint"> {reason(entry.reason)}</span>}
            </li>
          ))}
        </ol>
      </section>
    </>
  );
}

/** Whether an order may still be cancelled, and sent to another address. */
export const isOpen = ({ status }: Order): boolean => status === "pending" || status === "processing";
