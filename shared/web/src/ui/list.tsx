import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
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

interface PagedProps<T> {
  query: Pages<T>;
  /** In place of a list without items. */
  empty: ComponentChildren;
  /** Whether somebody asked for the list, and hears how long it is. */
  isFound?: boolean;
  children: (items: T[]) => ComponentChildren;
}

/** A list that is read page by page, with its states. */
export function Paged<T>({ query, empty, isFound = false, children }: PagedProps<T>): JSX.Element {
  const pages = query.data?.pages ?? [];
  const count = pages.reduce((total, page) => total + page.items.length, 0);
  return (
    <>
      <div role="status" class="spoken">
        {pages.length > (isFound ? 0 : 1) && t().shown(count)}
      </div>
      <Loaded query={query}>
        {(data) => {
          if (count === 0) return <div class="empty">{empty}</div>;
          return (
            <>
              {children(data.pages.flatMap((page) => page.items))}
              <More query={query} count={count} />
            </>
          );
        }}
      </Loaded>
    </>
  );
}

export interface MoreProps {
  query: Pick<Pages<unknown>, "error" | "hasNextPage" | "isFetchingNextPage" | "isFetchNextPageError" | "fetchNextPage">;
  /** Items that are shown. */
  count: number;
}

/** The way to the next page of a list. After the last one, the focus stays at the end of the list. */
export function More({ query, count }: MoreProps): JSX.Element {
  const end = useRef<HTMLParagraphElement>(null);
  const [isUsed, setUsed] = useState(false);
  const isOver = isUsed && !query.hasNextPage;
  useLayoutEffect(() => {
    if (isOver && document.activeElement === document.body) end.current?.focus();
  }, [isOver]);
  const read = (): void => {
    setUsed(true);
    if (!query.isFetchingNextPage) query.fetchNextPage();
  };
  return (
    <>
      {query.isFetchNextPageError && <Failed error={query.error} />}
      {query.hasNextPage && (
        <button type="button" class="wide" aria-disabled={query.isFetchingNextPage} onClick={read}>
          {query.isFetchingNextPage ? t().loading : t().more}
        </button>
      )}
      {isOver && (
        <p ref={end} tabIndex={-1} class="hint">
          {t().shown(count)}
        </p>
      )}
    </>
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
