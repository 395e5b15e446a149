// The products on sale, by search and filters that are part of the address.

import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { decimal, minorDigits, money, t } from "../../core/i18n/index.ts";
import { toMinor } from "../../core/money.ts";
import { Field, Form, Select, useFormKey } from "../../ui/form.tsx";
import { More, type MoreProps } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { Picture } from "../../ui/picture.tsx";
import { currencyOf, filtersOf, search, type Filters } from "../filters.ts";
import { categories, products, type Product } from "../reads.ts";

export function ProductList(): JSX.Element {
  const { query, route } = useLocation();
  const filters = filtersOf(query);
  const list = useInfiniteQuery(products(filters));
  const [key, keep] = useFormKey(search(filters));
  const apply = (changed: Filters): void => {
    keep(search(changed));
    route(`/${search(changed)}`);
  };
  const items = list.data?.pages.flatMap((page) => page.items);
  // A list without products has the currency of the one before.
  const shown = useRef<Product[]>([]);
  if (items && items.length > 0) shown.current = items;
  return (
    <>
      <Title>{t().products.title}</Title>
      {/* Another address fills the form again, as after the back button. */}
      <FilterForm key={key} filters={filters} currency={currencyOf(filters, shown.current)} apply={apply} />
      <p role="status" class="hint">
        {items && t().products.found(items.length, list.hasNextPage)}
      </p>
      <Loaded query={list}>{() => <Found items={items ?? []} isFiltered={search(filters) !== ""} list={list} />}</Loaded>
    </>
  );
}

interface FilterFormProps {
  filters: Filters;
  /** Of the prices; none until products were read. */
  currency: string | undefined;
  apply: (filters: Filters) => void;
}

function FilterForm({ filters, currency, apply }: FilterFormProps): JSX.Element {
  const [isOpenAtFirst] = useState(() => [filters.category, filters.min_price, filters.max_price, filters.available, filters.sort].some((value) => value !== undefined));
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  const known = useQuery({ ...categories(), enabled: isOpen });
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const submit = (values: Record<string, string>): void => {
    const prices = ["min_price", "max_price"].filter((name) => values[name]).map((name) => [name, currency ? toMinor(values[name] ?? "", minorDigits(currency)) : null] as const);
    const problem = currency ? t().products.invalidPrice(decimal({ amount: 1250, currency })) : t().products.noCurrency;
    const wrong = prices.filter(([, amount]) => amount === null).map(([name]) => [name, problem] as const);
    const [least, most] = ["min_price", "max_price"].map((name) => prices.find(([one]) => one === name)?.[1] ?? null);
    const range = least != null && most != null && least > most ? [["max_price", t().products.badRange] as const] : [];
    setFound(new Map([...wrong, ...range]));
    if (wrong.length + range.length > 0) return;
    apply(filtersOf({ ...values, ...(currency && { currency }), ...Object.fromEntries(prices.map(([name, amount]) => [name, String(amount)])) }));
  };
  const price = (amount: number | undefined): string => (amount === undefined || !currency ? "" : decimal({ amount, currency }));
  return (
    <search>
      <Form class="filters" submit={t().products.search} onSubmit={submit} found={found}>
        <Field name="q" label={t().products.search} hint={t().products.searchHint} type="search" defaultValue={filters.q} maxLength={100} enterkeyhint="search" />
        <details open={isOpenAtFirst} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{t().products.filters}</summary>
          <div class="columns">
            <Select name="category" label={t().products.category}>
              <option value="">{t().products.all}</option>
              {(known.data ?? (filters.category ? [{ name: filters.category, products: 0 }] : [])).map(({ name }) => (
                <option key={name} value={name} selected={name === filters.category}>
                  {name}
                </option>
              ))}
            </Select>
            <Select name="sort" label={t().products.sort}>
              {Object.entries(t().products.sorts)
                .filter(([value]) => value !== "relevance" || filters.q)
                .map(([value, label]) => (
                  <option key={value} value={value} selected={value === (filters.sort ?? "")}>
                    {label}
                  </option>
                ))}
            </Select>
            <Field name="min_price" label={t().products.minPrice(currency)} inputMode="decimal" defaultValue={price(filters.min_price)} />
            <Field name="max_price" label={t().products.maxPrice(currency)} inputMode="decimal" defaultValue={price(filters.max_price)} />
            <label class="check">
              <input type="checkbox" name="available" value="true" defaultChecked={filters.available === true} /> {t().products.available}
            </label>
          </div>
        </details>
      </Form>
    </search>
  );
}

function Found({ items, isFiltered, list }: { items: Product[]; isFiltered: boolean; list: MoreProps["query"] }): JSX.Element {
  if (items.length === 0) {
    return (
      <div class="empty">
        <p>{isFiltered ? t().products.empty : t().products.none}</p>
        {isFiltered && (
          <p>
            {t().products.emptyHint} <a href="/">{t().products.clear}</a>
          </p>
        )}
      </div>
    );
  }
  return (
    <>
      <ul class="cards">
        {items.map((product, index) => (
          <li key={product.id}>
            <ProductCard product={product} isFirst={index < 4} />
          </li>
        ))}
      </ul>
      <More query={list} count={items.length} />
    </>
  );
}

function ProductCard({ product, isFirst }: { product: Product; isFirst: boolean }): JSX.Element {
  return (
    <article class="card">
      <Picture source={product.image_url} name={product.name} size="small" isDecorative isFirst={isFirst} />
      <h2>
        <a href={`/products/${product.id}`}>{product.name}</a>
      </h2>
      <p class="price">{money(product.price)}</p>
      {product.stock_quantity <= 0 && <p class="hint">{t().product.soldOut}</p>}
    </article>
  );
}
