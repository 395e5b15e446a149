// The way of dead letters back to their queue as they are: those that are chosen, or all of them, a hundred in a request.

import { useMutation } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { api, queries, REPEATABLE, type Schemas } from "../../core/client.ts";
import { number } from "../../core/i18n/index.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { Field, Form } from "../../ui/form.tsx";
import { pauseAfter } from "../pace.ts";
import { Progress, sendOnce, type Step } from "../progress.tsx";
import { queues } from "../reads.ts";
import { after, isOver, type Run } from "../redrives.ts";
import { c } from "../texts/index.ts";

export type Redriven = Schemas["RedriveView"];
/** Gets what is said of an action that was done. */
export type OnDone = (text: string) => void;

const routeOf = (name: string): string => `POST /ops/queues/${name}/redrive`;

function send(name: string, body: Schemas["Redrive"], key: string): Promise<Redriven> {
  return unwrap(api.POST("/api/v1/ops/queues/{name}/redrive", { params: { path: { name }, header: { "Idempotency-Key": key } }, body }));
}

const reload = (): Promise<void> => queries.invalidateQueries({ predicate: ({ queryKey }) => ["dead-letters", "queues", "audit"].includes(String(queryKey[0])) });

/** Redrives or discards the messages of one request. */
export function useRedrive(name: string, onDone: OnDone) {
  return useKeyed(routeOf(name), (body: Schemas["Redrive"], key) => send(name, body, key), {
    onSuccess: async (redriven, { dry_run, action }) => {
      if (dry_run) return;
      onDone(action === "discard" ? c().operations.discarded(redriven.discarded) : told(c().operations.redriven(redriven.redriven), redriven));
      await reload();
    },
  });
}

/** What a redrive did, and how many messages stay. */
export function told(moved: string, { refused }: Pick<Redriven, "refused">): string {
  return refused.length > 0 ? `${moved} ${c().operations.stay(refused.length)}` : moved;
}

interface FormProps {
  name: string;
  /** The reason that the list is filtered by; empty for none. */
  reason: string;
  chosen: string[];
  /** Dead letters that are listed. */
  listed: number;
  isHidden: boolean;
  onDone: OnDone;
  /** Begins to redrive all. */
  onStart: (run: Run) => void;
}

export function RedriveForm({ name, reason, chosen, listed, isHidden, onDone, onStart }: FormProps): JSX.Element {
  const redriving = useRedrive(name, onDone);
  const starting = useMutation({
    ...REPEATABLE,
    mutationFn: async (body: Schemas["Redrive"]) => {
      const items = await queries.fetchQuery({ ...queues(), staleTime: 0 });
      return { body, sent: 0, total: Math.max(listed, items.find((one) => one.name === name)?.dead_letters ?? 0), refused: [] };
    },
    onSuccess: onStart,
  });
  const submit = (values: Record<string, string>): void => {
    const per_second = values["/per_second"] ? Number(values["/per_second"]) : null;
    const selected = chosen.length > 0 ? { message_ids: chosen } : { reason_code: reason || null };
    const body = { action: "redrive" as const, reason: values["/reason"]?.trim() ?? "", dry_run: values["/dry_run"] !== undefined, per_second, ...selected };
    if (body.dry_run || chosen.length > 0) redriving.mutate(body);
    else starting.mutate(body);
  };
  // What a dry run has shown is always what the form asks for. A redrive is shown until it has ended.
  const forget = (): void => {
    if (!redriving.isPending || redriving.variables.dry_run) redriving.reset();
  };
  useEffect(forget, [chosen.join(" "), reason]);
  const all = reason ? c().operations.redriveReason(reason) : c().operations.redriveAll;
  const { data } = redriving;
  const count = data?.message_ids.length ?? 0;
  return (
    <section class="box" hidden={isHidden} onInput={forget}>
      <h2>{c().operations.redrive}</h2>
      <p>{chosen.length > 0 ? c().operations.redriveChosen(chosen.length) : all}</p>
      <Form submit={c().operations.redrive} isBusy={redriving.isPending || starting.isPending} error={redriving.error ?? starting.error} onSubmit={submit}>
        <Field name="/reason" label={c().reason} hint={c().operations.reasonHint} required />
        <Field name="/per_second" label={c().operations.perSecond} type="number" min={1} max={100} />
        <label class="check">
          <input type="checkbox" name="/dry_run" /> {c().operations.dryRun}
        </label>
      </Form>
      <div role="status">
        {data?.action_id === null && (
          <div class="notice good">
            <p>{chosen.length > 0 || data.has_more === false ? c().operations.wouldRedrive(count) : c().operations.wouldRedriveMany(count)}</p>
            <Forecasts shown={data} />
          </div>
        )}
      </div>
    </section>
  );
}

/** How many messages their consumer would handle, recognize or refuse. */
function Forecasts({ shown: { forecasts } }: { shown: Redriven }): JSX.Element {
  const outcomes = forecasts.map(({ forecast }) => forecast.outcome);
  return (
    <ul class="plain">
      {[...new Set(outcomes)].map((outcome) => (
        <li key={outcome}>
          {number(outcomes.filter((one) => one === outcome).length)} × {c().operations.forecasts[outcome] ?? outcome}
        </li>
      ))}
    </ul>
  );
}

interface ProgressProps {
  name: string;
  run: Run;
  onChange: (run: Run | null) => void;
  onDone: OnDone;
}

/** Redrives all dead letters, one request after another. What is left when the page is closed is still a dead letter. */
export function RedriveProgress({ name, run, onChange, onDone }: ProgressProps): JSX.Element {
  const sendNext = async (current: Run): Promise<Step<Run>> => {
    const page = await sendOnce(routeOf(name), current.body, (key) => send(name, current.body, key));
    const next = after(current, page);
    return { run: next, isOver: isOver(next, page), pauseMs: pauseAfter(page.redriven, current.body.per_second) };
  };
  const finish = (done: Run): void => {
    onChange(null);
    onDone(told(c().operations.redriven(done.sent), done));
    void reload();
  };
  return (
    <Progress title={c().operations.redriving(name)} text={c().operations.redrivenSoFar(run.sent)} run={run} isNew send={sendNext} onChange={(next) => (next ? onChange(next) : finish(run))} onDone={finish}>
      <p class="hint">{run.body.reason}</p>
    </Progress>
  );
}
