import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { money, t } from "../../core/i18n/index.ts";
import { isProblemOf } from "../../core/text.ts";
import { Field, Form } from "../../ui/form.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { Picture } from "../../ui/picture.tsx";
import { add, MAX_QUANTITY } from "../basket.ts";
import { product, type Product } from "../reads.ts";

const LOW_STOCK = 5;

export function ProductPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(product(id));
  if (isProblemOf(query.error, "not-found", "validation")) {
    return (
      <>
        <Title>{t().product.gone}</Title>
        <p>
          <a href="/">{t().basket.browse}</a>
        </p>
      </>
    );
  }
  return <Loaded query={query} isPage>{(found) => <Details product={found} />}</Loaded>;
}

function Details({ product }: { product: Product }): JSX.Element {
  const pictures = product.images.length > 0 ? product.images : [null];
  const [shown, setShown] = useState(0);
  return (
    <article class="product">
      <div>
        <Picture key={pictures[shown]} source={pictures[shown] ?? null} name={product.name} size="large" isFirst />
        {pictures.length > 1 && (
          <ul class="thumbnails">
            {pictures.map((source, index) => (
              <li key={source}>
                <button type="button" aria-label={t().product.picture(product.name, index + 1)} aria-pressed={index === shown} onClick={() => setShown(index)}>
                  <Picture source={source} name={product.name} size="small" isDecorative />
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
      <div>
        <Title>{product.name}</Title>
        <p class="price big">{money(product.price)}</p>
        <p class="description">{product.description}</p>
        <Purchase product={product} />
        <p class="hint">{t().product.taxes}</p>
        <dl class="facts">
          <dt>{t().product.sku}</dt>
          <dd>{product.sku}</dd>
          <dt>{t().products.category}</dt>
          <dd>
            <a href={`/?category=${encodeURIComponent(product.category)}`}>{product.category}</a>
          </dd>
        </dl>
      </div>
    </article>
  );
}

function Purchase({ product }: { product: Product }): JSX.Element {
  const [added, setAdded] = useState(0);
  const stock = product.stock_quantity;
  if (stock <= 0) return <p class="notice">{t().product.soldOut}</p>;
  const submit = ({ quantity }: Record<string, string>): void => {
    add(product, Number(quantity));
    setAdded(added + 1);
  };
  return (
    <>
      <p class={stock <= LOW_STOCK ? "few" : "hint"}>{stock <= LOW_STOCK ? t().product.few(stock) : t().product.inStock}</p>
      <Form class="purchase" submit={t().product.add} onSubmit={submit}>
        <Field name="quantity" label={t().product.quantity} type="number" inputMode="numeric" min={1} max={Math.min(stock, MAX_QUANTITY)} defaultValue="1" required />
      </Form>
      <div role="status">
        {added > 0 && (
          <p key={added} class="notice good">
            {t().product.added} <a href="/basket">{t().product.toBasket}</a>
          </p>
        )}
      </div>
    </>
  );
}
