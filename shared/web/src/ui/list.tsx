import type { ComponentChildren, JSX } from "preact";
import { t } from "../core/i18n/index.ts";
import { Failed, Loaded } from "./page.tsx";

interface Pages<T> {
  data: { pages: { items: T[] }[] } | undefined;
  error: Error | null;
  isPending: boolean;
  fetchStatus: string;
  refetch: () => unknown;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  fetchNextPage: () => unknown;
}

/** A list that is read page by page, with its states. */
export function Paged<T>({ query, empty, children }: { query: Pages<T>; empty: string; children: (items: T[]) => ComponentChildren }): JSX.Element {
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        if (items.length === 0) return <p class="empty">{empty}</p>;
        return (
          <>
            {children(items)}
            {query.isFetchNextPageError && <Failed error={query.error} />}
            {query.hasNextPage && (
              <button type="button" class="wide" aria-disabled={query.isFetchingNextPage} onClick={() => query.isFetchingNextPage || query.fetchNextPage()}>
                {query.isFetchingNextPage ? t().loading : t().more}
              </button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

interface TableProps {
  caption: string;
  /** Headings; those of numbers stand above their digits. */
  head: (string | { number: string })[];
  children: ComponentChildren;
}

/** A table that scrolls by itself on a narrow screen, also by keyboard. */
export function Table({ caption, head, children }: TableProps): JSX.Element {
  return (
    <div class="scroller" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="spoken">{caption}</caption>
        <thead>
          <tr>
            {head.map((heading) => {
              const text = typeof heading === "string" ? heading : heading.number;
              return (
                <th key={text} scope="col" class={typeof heading === "string" ? undefined : "amount"}>
                  {text}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
