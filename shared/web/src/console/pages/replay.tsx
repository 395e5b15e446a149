// Delivers published events again to one consumer: a dry run first, then page by page, and on from where it stopped.

import { useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { api, REPEATABLE, type Schemas } from "../../core/client.ts";
import { now } from "../../core/clock.ts";
import { rangeInZone } from "../../core/i18n/index.ts";
import { ApiError, unwrap } from "../../core/problem.ts";
import { caller } from "../../core/session.ts";
import { getItem, setItem, tabStore } from "../../core/storage.ts";
import { Field, Form, Select } from "../../ui/form.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { pauseAfter } from "../pace.ts";
import { Progress, sendOnce, type Step } from "../progress.tsx";
import { queues, receivers } from "../reads.ts";
import { after, pageOf, parseRun, selectionOf, type Run, type Selection } from "../replays.ts";
import { c } from "../texts/index.ts";

type Page = Schemas["ReplayView"];

const ROUTE = "POST /ops/replay";
const LEFT = "replay";
const HOUR_MS = 3_600_000;
const SECOND_MS = 1000;

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
      {left ? (
        <Progress title={c().replay.running(left.selection.consumer)} text={c().replay.progress(left.sent, left.total)} run={left} isNew={isNew} send={sendNext} onChange={change} onDone={finish}>
          <p class="hint">
            {rangeInZone(left.selection.from, left.selection.to)} · {left.selection.reason}
          </p>
        </Progress>
      ) : (
        <Choice onStart={begin} />
      )}
    </div>
  );
}

/** What a dry run found. */
interface Found {
  selection: Selection;
  ids: string[];
  /** What the consumer does with an event that it has handled. */
  policy: string;
}

/** Counts the events of all pages. Nothing is sent. */
async function countAll(selection: Selection): Promise<Found> {
  const ids: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: Page = await unwrap(api.POST("/api/v1/ops/replay", { body: pageOf({ selection, cursor }, true) }));
    ids.push(...page.event_ids);
    if (page.next_cursor == null) return { selection, ids, policy: page.policy };
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
  // Without the description of the events, the API refuses a consumer that receives none.
  const { data: receiving } = useQuery(receivers());
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
              {items.filter((one) => one.has_queue && (receiving?.has(one.name) ?? true)).map(({ name }) => (
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
          <Preview found={data} onStart={onStart} />
        </section>
      )}
    </Loaded>
  );
}

/** What a dry run has found, and the button that delivers it. */
function Preview({ found, onStart }: { found: Found | undefined; onStart: (run: Run) => void }): JSX.Element {
  const total = found?.ids.length ?? 0;
  return (
    <>
      <div role="status">
        {found && (
          <div class="notice">
            <p>{c().replay.found(total, found.selection.consumer)}</p>
            {total > 0 && <p>{c().replay.policies[found.policy] ?? found.policy}</p>}
          </div>
        )}
      </div>
      {found && total > 0 && (
        <>
          <details>
            <summary>{c().replay.ids}</summary>
            <pre>{found.ids.join("\n")}</pre>
          </details>
          <div class="actions">
            <button type="button" class="primary" onClick={() => onStart({ operator: caller.value?.id ?? "", selection: found.selection, cursor: null, sent: 0, total })}>
              {c().replay.start(total)}
            </button>
          </div>
        </>
      )}
    </>
  );
}

/** Sends the next page of a replay. */
async function sendNext(run: Run): Promise<Step<Run>> {
  const body = pageOf(run, false);
  const page = await sendOnce(ROUTE, body, (key) => unwrap(api.POST("/api/v1/ops/replay", { params: { header: { "Idempotency-Key": key } }, body })));
  const next = after(run, page);
  return { run: next ?? { ...run, sent: run.sent + page.replayed }, isOver: next === null, pauseMs: pauseAfter(page.replayed, run.selection.per_second) };
}
