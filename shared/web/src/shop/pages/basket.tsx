import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { money, sum, t } from "../../core/i18n/index.ts";
import { Title } from "../../ui/page.tsx";
import { basket, change, MAX_QUANTITY, remove, type Line } from "../basket.ts";
import { productsById, type Product } from "../reads.ts";

export const lineTotal = ({ price, quantity }: Line): { amount: number; currency: string } => ({ amount: price.amount * quantity, currency: price.currency });

export function BasketPage(): JSX.Element {
  const lines = basket.value;
  const current = useQuery(productsById(lines.map(({ id }) => id)));
  const [removed, setRemoved] = useState<Line | null>(null);
  const total = sum(lines.map(lineTotal));
  const take = (line: Line): void => {
    remove(line.id);
    setRemoved(line);
  };
  return (
    <>
      <Title>{t().basket.title}</Title>
      <div role="status">
        {removed && (
          <p class="notice">
            {t().basket.removed(removed.name)}{" "}
            <button type="button" class="link" onClick={() => ((basket.value = [...lines, removed]), setRemoved(null))}>
              {t().basket.undo}
            </button>
          </p>
        )}
      </div>
      {lines.length === 0 ? (
        <div class="empty">
          <p>{t().basket.empty}</p>
          <a class="button" href="/">
            {t().basket.browse}
          </a>
        </div>
      ) : (
        <>
          <ul class="lines">
            {lines.map((line) => (
              <BasketLine key={line.id} line={line} product={current.data?.find(({ id }) => id === line.id)} isKnown={current.isSuccess && !current.isPlaceholderData} take={take} />
            ))}
          </ul>
          <div aria-live="polite">
            {total ? (
              <p class="total">
                {t().basket.subtotal} <strong>{money(total)}</strong>
              </p>
            ) : (
              <p class="notice bad">{t().basket.currencies}</p>
            )}
          </div>
          <p class="hint">{t().product.taxes}</p>
          {total && (
            <a class="button primary" href="/checkout">
              {t().basket.checkout}
            </a>
          )}
        </>
      )}
    </>
  );
}

interface LineProps {
  line: Line;
  /** The product as it is now. */
  product: Product | undefined;
  isKnown: boolean;
  take: (line: Line) => void;
}

function BasketLine({ line, product, isKnown, take }: LineProps): JSX.Element {
  const isNewPrice = product !== undefined && (product.price.amount !== line.price.amount || product.price.currency !== line.price.currency);
  const id = useId();
  const [before, setBefore] = useState<string | null>(null);
  // The customer sees the new price, and what it was, before the order.
  useEffect(() => {
    if (!isNewPrice) return;
    setBefore(money(line.price));
    change(line.id, { price: product.price, name: product.name });
  }, [isNewPrice]);
  const problem = isKnown && !product ? t().basket.gone : product && product.stock_quantity < line.quantity ? t().basket.less(product.stock_quantity) : null;
  // At once: what is typed would be lost if the page were drawn again before the field is left.
  const set = ({ value }: HTMLInputElement): void => {
    const quantity = Number(value);
    if (Number.isInteger(quantity) && quantity >= 1 && quantity <= MAX_QUANTITY) change(line.id, { quantity });
  };
  const restore = (input: HTMLInputElement): void => {
    input.value = String(line.quantity);
  };
  return (
    <li class="line">
      <div>
        <a href={`/products/${line.id}`}>{line.name}</a>
        <p class="hint">{money(line.price)}</p>
        {before && <p class="few">{t().basket.newPrice(before)}</p>}
        {problem && (
          <p id={id} class="error">
            {problem}
          </p>
        )}
      </div>
      <input type="number" inputMode="numeric" aria-label={t().basket.quantityOf(line.name)} min={1} max={MAX_QUANTITY} value={line.quantity} aria-describedby={problem ? id : undefined} onInput={(event) => set(event.currentTarget)} onChange={(event) => restore(event.currentTarget)} />
      <strong class="amount">{money(lineTotal(line))}</strong>
      <button type="button" class="link" aria-label={t().basket.removeItem(line.name)} onClick={() => take(line)}>
        {t().basket.remove}
      </button>
    </li>
  );
}
