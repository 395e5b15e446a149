// Work that the API does a page at a time: how far it is, and the way to stop it and to go on.

import { useMutation } from "@tanstack/preact-query";
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { queries, REPEATABLE } from "../core/client.ts";
import { forgetKey, keyOf } from "../core/once.ts";
import { isFinal } from "../core/problem.ts";
import { explain } from "../core/text.ts";
import { c } from "./texts/index.ts";

/** Sends one page with an Idempotency-Key, which stays the same until the answer is final. */
export async function sendOnce<B, T>(route: string, body: B, send: (key: string) => Promise<T>): Promise<T> {
  const key = await keyOf(route, body);
  try {
    const page = await send(key);
    await forgetKey(route, body);
    return page;
  } catch (error) {
    if (isFinal(error)) await forgetKey(route, body);
    throw error;
  }
}

/** What a page has done. */
export interface Step<R> {
  run: R;
  isOver: boolean;
  /** Before the next page. */
  pauseMs: number;
}

interface Props<R> {
  title: string;
  text: string;
  run: R;
  /** Whether it was begun in this page: it goes on at once, and otherwise when the operator says so. */
  isNew: boolean;
  send: (run: R) => Promise<Step<R>>;
  /** Gets what is left; null if the operator leaves the rest. */
  onChange: (run: R | null) => void;
  onDone: (run: R) => void;
  children?: ComponentChildren;
}

export function Progress<R extends { sent: number; total: number }>({ title, text, run, isNew, send, onChange, onDone, children }: Props<R>): JSX.Element {
  const isStopped = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [isGoing, setGoing] = useState(isNew);
  const [isStopping, setStopping] = useState(false);
  const heading = useFocused(isNew);
  const sending = useMutation({
    ...REPEATABLE,
    mutationFn: send,
    onSuccess: ({ run: next, isOver, pauseMs }) => {
      void queries.invalidateQueries({ predicate: ({ queryKey }) => ["queues", "audit"].includes(String(queryKey[0])) });
      if (isOver) return onDone(next);
      onChange(next);
      if (isStopped.current) setGoing(false);
      else timer.current = setTimeout(() => sending.mutate(next), pauseMs);
    },
    onError: () => setGoing(false),
  });
  const start = (): void => {
    isStopped.current = false;
    setStopping(false);
    setGoing(true);
    if (!sending.isPending) sending.mutate(run);
  };
  const stop = (): void => {
    isStopped.current = true;
    clearTimeout(timer.current);
    // A page that is being sent ends before.
    if (sending.isPending) setStopping(true);
    else setGoing(false);
  };
  useEffect(() => {
    if (isNew) start();
    return () => {
      isStopped.current = true;
      clearTimeout(timer.current);
    };
  }, []);
  return (
    <section class="box">
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {children}
      <progress max={run.total} value={run.sent} aria-label={title} />
      <p role="status">{text}</p>
      <div role="alert">{sending.error && <p class="error">{explain(sending.error)}</p>}</div>
      <div class="actions">
        {isGoing ? (
          <button type="button" aria-disabled={isStopping} onClick={stop}>
            {c().replay.stop}
          </button>
        ) : (
          <Stopped onGoOn={start} onLeave={() => onChange(null)} />
        )}
      </div>
    </section>
  );
}

/** The heading of what stands in place of the button that was pressed. */
function useFocused(isNew: boolean): RefObject<HTMLHeadingElement> {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    if (isNew) heading.current?.focus();
  }, []);
  return heading;
}

function Stopped({ onGoOn, onLeave }: { onGoOn: () => void; onLeave: () => void }): JSX.Element {
  return (
    <>
      <button type="button" class="primary" onClick={onGoOn}>
        {c().replay.goOn}
      </button>
      <button type="button" onClick={onLeave}>
        {c().replay.leave}
      </button>
    </>
  );
}
