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

/** A table that scrolls by itself on a narrow screen, also by keyboard. */
export function Table({ caption, head, children }: { caption: string; head: string[]; children: ComponentChildren }): JSX.Element {
  return (
    <div class="scroller" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="spoken">{caption}</caption>
        <thead>
          <tr>
            {head.map((text) => (
              <th key={text} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
