import { useInfiniteQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useLocation } from "preact-iso";
import { money, t } from "../../core/i18n/index.ts";
import { Field, Form, useFormKey } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Title } from "../../ui/page.tsx";
import { products } from "../reads.ts";
import { c } from "../texts/index.ts";

export function ProductList(): JSX.Element {
  const { query, route } = useLocation();
  const q = query["q"]?.slice(0, 100) ?? "";
  const list = useInfiniteQuery(products(q));
  const [key, keep] = useFormKey(q);
  const search = (values: Record<string, string>): void => {
    const text = values["q"] ?? "";
    keep(text);
    route(text ? `/console/products?q=${encodeURIComponent(text)}` : "/console/products");
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
                <td class="amount">{product.stock_quantity}</td>
                <td class="amount">{money(product.price)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </>
  );
}
