// What every screen has: a title that gets the focus after a change of page, and its states while it loads or fails.

import type { ComponentChildren, JSX } from "preact";
import { Component } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { now } from "../core/clock.ts";
import { moment, t } from "../core/i18n/index.ts";
import { ApiError } from "../core/problem.ts";
import { isProblemOf } from "../core/text.ts";
import { Explanation } from "./explanation.tsx";
import { useSpoken } from "./spoken.tsx";

let isFirstPage = true;

/** The heading of a page, which is also the title of the window. */
export function Title({ children, heading }: { children: string; heading?: ComponentChildren }): JSX.Element {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${children} – ${t().shopName}`;
  }, [children]);
  useEffect(() => {
    // The browser has placed the focus of the first page.
    if (!isFirstPage) element.current?.focus();
    isFirstPage = false;
  }, []);
  return (
    <h1 ref={element} tabIndex={-1}>
      {heading ?? children}
    </h1>
  );
}

export function Loading(): JSX.Element {
  useSpoken(t().loading);
  return <p class="loading">{t().loading}</p>;
}

/** A failure in place of what it prevents, with a way to go on. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }): JSX.Element {
  const id = error instanceof ApiError && error.status >= 500 ? error.problem?.trace_id : undefined;
  return (
    <div role="alert" class="failed">
      <p>
        <Explanation error={error} />
      </p>
      {id && <p class="hint">{t().problemId(id)}</p>}
      {retry && !isProblemOf(error, "forbidden", "history-removed") && (
        <button type="button" onClick={retry}>
          {t().retry}
        </button>
      )}
    </div>
  );
}

interface Query<T> {
  data: T | undefined;
  error: Error | null;
  isPending: boolean;
  fetchStatus: string;
  refetch: () => unknown;
  /** When `data` was read, by the clock of the browser. */
  dataUpdatedAt?: number;
  /** Whether it is the next page of a list that failed, which says so itself. */
  isFetchNextPageError?: boolean;
}

interface LoadedProps<T> {
  query: Query<T>;
  /** Whether the title of the page is in what is read: without it, the failure has one. */
  isPage?: boolean;
  children: (data: T) => ComponentChildren;
}

/** The states of something that is read: loading, failed, offline, or there. What was read before stays while it fails, with its time. */
export function Loaded<T>({ query, isPage = false, children }: LoadedProps<T>): JSX.Element {
  if (query.data !== undefined) {
    const readAt = query.error && !query.isFetchNextPageError ? (query.dataUpdatedAt ?? 0) : 0;
    return (
      <>
        <Old readAt={readAt} />
        {children(query.data)}
      </>
    );
  }
  const error = query.error ?? (query.fetchStatus === "paused" ? new ApiError(0, null) : null);
  if (!error) return <Loading />;
  return (
    <>
      {isPage && <Title>{t().failedTitle}</Title>}
      <Failed error={error} retry={() => void query.refetch()} />
    </>
  );
}

/** Says that something could not be read again, and when it was read last: by the clock of the API, as the times in it. 0 says nothing. */
function Old({ readAt }: { readAt: number }): JSX.Element {
  const time = new Date(now() - (Date.now() - readAt)).toISOString();
  return (
    <div role="status" class="old">
      {readAt > 0 && <p class="notice bad">{t().old(moment(time))}</p>}
    </div>
  );
}

interface OtherPageProps {
  title: string;
  text: string;
  /** Where somebody goes on. */
  to: string;
  label: string;
}

/** In place of a page that cannot be shown to this person. */
export function OtherPage({ title, text, to, label }: OtherPageProps): JSX.Element {
  return (
    <>
      <Title>{title}</Title>
      <p>{text}</p>
      <p>
        <a href={to}>{label}</a>
      </p>
    </>
  );
}

export function NotFound(): JSX.Element {
  return <OtherPage title={t().notFoundTitle} text={t().notFoundText} to="/" label={t().toStart} />;
}

/** Keeps an error of one page from leaving the window empty. Another path is another try. */
export class Guard extends Component<{ path: string; children: ComponentChildren }, { failedPath: string | null }> {
  override state = { failedPath: null };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ failedPath: this.props.path });
  }

  render(): ComponentChildren {
    if (this.state.failedPath !== this.props.path) return this.props.children;
    return (
      <div role="alert" class="failed">
        <h1>{t().crashed}</h1>
        <button type="button" onClick={() => location.reload()}>
          {t().reload}
        </button>
      </div>
    );
  }
}
