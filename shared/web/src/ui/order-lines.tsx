import type { JSX } from "preact";
import type { Schemas } from "../core/client.ts";
import { money, number, percent, t } from "../core/i18n/index.ts";

/** Products and amounts of an order. `link` is the path of a product, without its id. */
export function OrderLines({ order, link }: { order: Schemas["OrderView"]; link: string }): JSX.Element {
  return (
    <>
      <ul class="plain">
        {order.items.map((line) => (
          <li key={line.product_id} class="row">
            <span>
              {number(line.quantity)} × <a href={link + line.product_id}>{line.product_name}</a>
            </span>
            <span class="amount">{money(line.line_total)}</span>
          </li>
        ))}
      </ul>
      <dl class="sums">
        <dt>{t().order.subtotal}</dt>
        <dd>{money(order.subtotal)}</dd>
        <dt>
          {t().order.shipping} ({t().checkout.methods[order.shipping_method] ?? order.shipping_method})
        </dt>
        <dd>{order.shipping.amount === 0 ? t().order.free : money(order.shipping)}</dd>
        {order.taxes.map((line) => (
          <TaxRow key={line.rate} rate={percent(line.rate)} amount={money(line.amount)} isIncluded={order.tax_included} />
        ))}
        <dt>
          <strong>{t().order.total}</strong>
        </dt>
        <dd>
          <strong>{money(order.total_amount)}</strong>
        </dd>
      </dl>
    </>
  );
}

function TaxRow({ rate, amount, isIncluded }: { rate: string; amount: string; isIncluded: boolean }): JSX.Element {
  return (
    <>
      <dt>{t().order.tax(rate, isIncluded)}</dt>
      <dd>{amount}</dd>
    </>
  );
}
