// Delivers published events again to one consumer: a dry run first, then page by page, and on from where it stopped.

import { useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api, queries, REPEATABLE, type Schemas } from "../../core/client.ts";
import { now } from "../../core/clock.ts";
import { momentRange } from "../../core/i18n/index.ts";
import { forgetKey, keyOf } from "../../core/once.ts";
import { ApiError, isFinal, unwrap } from "../../core/problem.ts";
import { caller } from "../../core/session.ts";
import { getItem, setItem, tabStore } from "../../core/storage.ts";
import { explain } from "../../core/text.ts";
import { Field, Form, Select } from "../../ui/form.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { queues } from "../reads.ts";
import { after, pageOf, parseRun, selectionOf, type Replay, type Run, type Selection } from "../replays.ts";
import { c } from "../texts/index.ts";

type Page = Schemas["ReplayView"];

const ROUTE = "POST /ops/replay";
const LEFT = "replay";
const HOUR_MS = 3_600_000;
const SECOND_MS = 1000;

async function sendPage(body: Replay): Promise<Page> {
  const key = await keyOf(ROUTE, body);
  try {
    const page = await unwrap(api.POST("/api/v1/ops/replay", { params: { header: { "Idempotency-Key": key } }, body }));
    await forgetKey(ROUTE, body);
    return page;
  } catch (error) {
    if (isFinal(error)) await forgetKey(ROUTE, body);
    throw error;
  }
}

export function ReplayPage(): JSX.Element {
  const [left, setLeft] = useState(() => parseRun(getItem(tabStore, LEFT), caller.value?.id));
  const [isNew, setNew] = useState(false);
  const [done, setDone] = useState<Run | null>(null);
  const change = (run: Run | null): void => {
    setItem(tabStore, LEFT, run && JSON.stringify(run));
    setLeft(run);
  };
  const begin = (run: Run): void => {
    setNew(true);
    setDone(null);
    change(run);
  };
  const finish = (run: Run): void => {
    change(null);
    setDone(run);
  };
  return (
    <div class="sections">
      <Title>{c().replay.title}</Title>
      <p>
        <a href="/console/operations">{c().operations.title}</a>
      </p>
      <p>{c().replay.text}</p>
      <div role="status">{done && <p class="notice good">{c().replay.done(done.sent, done.selection.consumer)}</p>}</div>
      {left ? <Progress run={left} isNew={isNew} onChange={change} onDone={finish} /> : <Choice onStart={begin} />}
    </div>
  );
}

/** Counts the events of all pages. Nothing is sent. */
async function countAll(selection: Selection): Promise<{ selection: Selection; ids: string[] }> {
  const ids: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: Page = await unwrap(api.POST("/api/v1/ops/replay", { body: pageOf({ selection, cursor }, true) }));
    ids.push(...page.event_ids);
    if (page.next_cursor == null) return { selection, ids };
    cursor = page.next_cursor;
  }
}

/** What the API says of one of the types, at the field that has them all. */
function refusedTypes(error: unknown): [string, string][] {
  const errors = error instanceof ApiError ? (error.problem?.errors ?? []) : [];
  return errors.filter(({ pointer }) => pointer.startsWith("/event_types/")).map(({ detail }) => ["/event_types", detail]);
}

/** A time as its input has it, in the time zone of the browser. */
function localTime(time: number): string {
  return new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function Choice({ onStart }: { onStart: (run: Run) => void }): JSX.Element {
  const consumers = useQuery(queues());
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const counting = useMutation({ ...REPEATABLE, mutationFn: countAll });
  const { data, error } = counting;
  const wrong = useMemo(() => new Map([...refusedTypes(error), ...found]), [error, found]);
  const submit = (values: Record<string, string>): void => {
    const selection = selectionOf(values);
    const isPeriod = selection.from < selection.to;
    setFound(new Map(isPeriod ? [] : [["/to", c().replay.badEnd]]));
    if (isPeriod) counting.mutate(selection);
  };
  // What is shown is always what the form asks for.
  const forget = (): void => counting.reset();
  // The end is not in the period, and has no fraction: the next second, so that what was published just now is in it.
  const [[first, last]] = useState(() => [localTime(now() - HOUR_MS), localTime(now() + SECOND_MS)] as const);
  return (
    <Loaded query={consumers}>
      {(items) => (
        <section class="box" onInput={forget}>
          <Form submit={c().replay.preview} isBusy={counting.isPending} error={error} found={wrong} onSubmit={submit}>
            <Select name="/consumer" label={c().operations.consumer} required>
              {items.filter(({ has_queue }) => has_queue).map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </Select>
            <div class="columns">
              <Field name="/from" label={c().replay.from} type="datetime-local" step={1} defaultValue={first} hint={c().replay.fromHint} required />
              <Field name="/to" label={c().replay.to} type="datetime-local" step={1} defaultValue={last} required />
            </div>
            <Field name="/event_types" label={c().replay.types} hint={c().replay.typesHint} spellcheck={false} />
            <Field name="/subject" label={c().replay.subject} hint={c().replay.subjectHint} spellcheck={false} />
            <Field name="/per_second" label={c().operations.perSecond} type="number" min={1} max={100} />
            <Field name="/reason" label={c().reason} hint={c().operations.reasonHint} required />
          </Form>
          <div role="status">{data && <p class="notice">{c().replay.found(data.ids.length, data.selection.consumer)}</p>}</div>
          {data && data.ids.length > 0 && (
            <>
              <details>
                <summary>{c().replay.ids}</summary>
                <pre>{data.ids.join("\n")}</pre>
              </details>
              <div class="actions">
                <button
                  type="button"
                  class="primary"
                  onClick={() => onStart({ operator: caller.value?.id ?? "", selection: data.selection, cursor: null, sent: 0, total: data.ids.length })}
                >
                  {c().replay.start(data.ids.length)}
                </button>
              </div>
            </>
          )}
        </section>
      )}
    </Loaded>
  );
}

interface ProgressProps {
  run: Run;
  /** Whether it was begun in this page. */
  isNew: boolean;
  onChange: (run: Run | null) => void;
  onDone: (run: Run) => void;
}

/** Sends the pages that are left: at once if the replay was just begun, else when the operator says so. */
function Progress({ run, isNew, onChange, onDone }: ProgressProps): JSX.Element {
  const isStopped = useRef(false);
  const [isStopping, setStopping] = useState(false);
  const sending = useMutation({
    ...REPEATABLE,
    mutationFn: (current: Run) => sendPage(pageOf(current, false)),
    onSuccess: (page, current) => {
      void queries.invalidateQueries({ predicate: ({ queryKey }) => ["queues", "audit"].includes(String(queryKey[0])) });
      const next = after(current, page);
      if (!next) return onDone({ ...current, sent: current.sent + page.replayed });
      onChange(next);
      if (!isStopped.current) sending.mutate(next);
    },
  });
  const start = (): void => {
    isStopped.current = false;
    setStopping(false);
    if (!sending.isPending) sending.mutate(run);
  };
  const stop = (): void => {
    isStopped.current = true;
    setStopping(true);
  };
  useEffect(() => {
    if (isNew) start();
    return () => void (isStopped.current = true);
  }, []);
  const { consumer, reason, from, to } = run.selection;
  return (
    <section class="box">
      <h2>{c().replay.running(consumer)}</h2>
      <p class="hint">
        {momentRange(from, to)} · {reason}
      </p>
      <progress max={run.total} value={run.sent} aria-label={c().replay.running(consumer)} />
      <p role="status">{c().replay.progress(run.sent, run.total)}</p>
      <div role="alert">{sending.error && <p class="error">{explain(sending.error)}</p>}</div>
      <div class="actions">
        {sending.isPending ? (
          <button type="button" aria-disabled={isStopping} onClick={stop}>
            {c().replay.stop}
          </button>
        ) : (
          <>
            <button type="button" class="primary" onClick={start}>
              {c().replay.goOn}
            </button>
            <button type="button" onClick={() => onChange(null)}>
              {c().replay.leave}
            </button>
          </>
        )}
      </div>
    </section>
  );
}
