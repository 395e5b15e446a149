import { useInfiniteQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useLocation } from "preact-iso";
import { money, number, t } from "../../core/i18n/index.ts";
import { Field, Form, Select, useFormKey } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Title } from "../../ui/page.tsx";
import { products, type ProductFilters } from "../reads.ts";
import { c } from "../texts/index.ts";

/** What the list may be narrowed to, by the name in the address. */
const STOCKS: Record<string, ProductFilters> = { low: { low_stock: true }, none: { available: false } };

function addressOf(q: string, stock: string): string {
  const text = new URLSearchParams({ ...(q && { q }), ...(stock in STOCKS && { stock }) }).toString();
  return text && `?${text}`;
}

export function ProductList(): JSX.Element {
  const { query, route } = useLocation();
  const [q, stock] = [query["q"]?.slice(0, 100) ?? "", query["stock"] ?? ""];
  const list = useInfiniteQuery(products({ ...(q && { q }), ...STOCKS[stock] }));
  const [key, keep] = useFormKey(addressOf(q, stock));
  const search = (values: Record<string, string>): void => {
    const address = addressOf(values["q"] ?? "", values["stock"] ?? "");
    keep(address);
    route(`/console/products${address}`);
  };
  return (
    <>
      <Title>{c().products.title}</Title>
      <p class="actions">
        <a class="button" href="/console/products/new">
          {c().products.add}
        </a>
        <a class="button" href="/console/products/transfers">
          {c().transfers.title}
        </a>
      </p>
      <Form key={key} class="filters" submit={t().products.search} onSubmit={search}>
        <Field name="q" label={t().products.search} hint={t().products.searchHint} type="search" maxLength={100} defaultValue={q} />
        <Select name="stock" label={c().products.stock}>
          <option value="">{c().products.anyStock}</option>
          {Object.keys(STOCKS).map((name) => (
            <option key={name} value={name} selected={name === stock}>
              {c().products.stocks[name]}
            </option>
          ))}
        </Select>
      </Form>
      <Paged query={list} empty={c().noMatch} isFound>
        {(items) => (
          <Table caption={c().products.title} head={[c().products.name, c().products.sku, c().products.category, { number: c().products.stock }, { number: c().products.price }]}>
            {items.map((product) => (
              <tr key={product.id}>
                <td>
                  <a href={`/console/products/${product.id}`}>{product.name}</a>
                </td>
                <td>{product.sku}</td>
                <td>{product.category}</td>
                <td class="amount">{number(product.stock_quantity)}</td>
                <td class="amount">{money(product.price)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </>
  );
}
