// What a list of products is filtered and sorted by: part of the address of the page, and of the request.

export const SORTS = ["-created_at", "created_at", "price", "-price", "name", "-name", "relevance"] as const;
export type Sort = (typeof SORTS)[number];

/** Of prices in a link that does not say which: of the time when the shop had no other. */
const FIRST_CURRENCY = "USD";

export interface Filters {
  q?: string;
  category?: string;
  /** In minor units of the currency, which is there if one of both is. */
  min_price?: number;
  max_price?: number;
  currency?: string;
  available?: boolean;
  sort?: Sort;
}

export function filtersOf(query: Record<string, string>): Filters {
  const number = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined);
  const [min_price, max_price, currency] = [number(query["min_price"]), number(query["max_price"]), query["currency"] ?? ""];
  const filters: { [Name in keyof Filters]: Filters[Name] | undefined } = {
    q: query["q"]?.slice(0, 100),
    category: query["category"],
    min_price,
    max_price,
    currency: min_price === undefined && max_price === undefined ? undefined : /^[A-Z]{3}$/.test(currency) ? currency : FIRST_CURRENCY,
    available: query["available"] === "true" ? true : undefined,
    sort: SORTS.find((sort) => sort === query["sort"]),
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined && value !== "")) as Filters;
}

/** The filters as they stand in the address. */
export function search(filters: Filters): string {
  const text = new URLSearchParams(Object.entries(filters).map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

/** The currency in which a price is asked for: the one of the filters, else the one of the products that are shown, if there are any yet. */
export const currencyOf = ({ currency }: Filters, shown: readonly { price: { currency: string } }[]): string | undefined => currency ?? shown[0]?.price.currency;
