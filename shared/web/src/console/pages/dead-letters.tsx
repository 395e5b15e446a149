// One consumer: its state, its dead letters, and what is done about them: a redrive, as they are or with a text edited, or a discard.

import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useEffect, useId, useMemo, useState } from "preact/hooks";
import type { Schemas } from "../../core/client.ts";
import { momentInSeconds, number } from "../../core/i18n/index.ts";
import { explain, isProblemOf } from "../../core/text.ts";
import { Field, Form, Saved, Select, TextArea } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Title } from "../../ui/page.tsx";
import { Question } from "../../ui/question.tsx";
import { editableMembers, editOf, redriveOf } from "../edits.ts";
import { NotFound } from "../other-pages.tsx";
import { deadLetters, PAGE, queues } from "../reads.ts";
import type { Run } from "../redrives.ts";
import { c } from "../texts/index.ts";
import { ConsumerState } from "./consumer-state.tsx";
import { RedriveForm, RedriveProgress, told, useRedrive, type OnDone, type Redriven } from "./redrive.tsx";

type Letter = Schemas["DeadLetterView"];
type FormName = "redrive" | "edit" | "discard";

export function DeadLettersPage({ name }: { name: string }): JSX.Element {
  const [reason, setReason] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  // What is said of each action that was done.
  const [done, setDone] = useState<{ form: FormName; text: string }[]>([]);
  const [run, setRun] = useState<Run | null>(null);
  const list = useInfiniteQuery(deadLetters(name, reason));
  const reasons = useReasons(list.data?.pages.flatMap(({ items }) => items));
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const finish = (form: FormName, text: string): void => {
    setDone((before) => [...before, { form, text }]);
    setChosen(new Set());
  };
  // A form is empty after its action: another click is another action. The other forms keep what was typed.
  const keyOf = (form: FormName): string => `${form}-${done.filter((one) => one.form === form).length}`;
  const chooseReason = (code: string): void => {
    setReason(code);
    setChosen(new Set());
  };
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  // What was typed stays in forms that are not shown: while all are redriven, while the list is empty, and while nothing fits.
  const isHidden = run !== null || items.length === 0;
  const edited = chosen.size > 0 || !reason ? [...chosen] : items.map(({ id }) => id);
  // No consumer has this name.
  if (isProblemOf(list.error, "not-found", "validation") && !list.data) return <NotFound />;
  return (
    <div class="wide-sections">
      <Title>{c().operations.deadLetters(name)}</Title>
      <p>
        <a href="/console/operations">{c().operations.title}</a>
      </p>
      <ConsumerState name={name} />
      {/* Outside of the list, which may be empty then. */}
      <Saved isSaved={run === null && done.length > 0} text={done.at(-1)?.text ?? ""} times={done.length} />
      {run && <RedriveProgress name={name} run={run} onChange={setRun} onDone={(text) => finish("redrive", text)} />}
      {!run && (
        <>
          {reasons.length > 1 && <ReasonFilter reasons={reasons} reason={reason} onChange={chooseReason} />}
          <Paged query={list} empty={reason ? c().operations.noneDeadBecause(reason) : c().operations.noneDead}>
            {(letters) => <Letters name={name} letters={letters} chosen={chosen} toggle={toggle} />}
          </Paged>
          <Unlisted name={name} reason={reason} listed={items.length} />
        </>
      )}
      <RedriveForm key={keyOf("redrive")} name={name} reason={reason} chosen={[...chosen]} listed={items.length} isHidden={isHidden} onDone={(text) => finish("redrive", text)} onStart={setRun} />
      <EditForm key={keyOf("edit")} name={name} letters={items} chosen={edited} isHidden={isHidden} onDone={(text) => finish("edit", text)} />
      <DiscardForm key={keyOf("discard")} name={name} chosen={[...chosen]} isHidden={isHidden} onDone={(text) => finish("discard", text)} />
    </div>
  );
}

/** The reason of a dead letter, as the API filters by it. */
const reasonOf = ({ reason }: Letter): string => reason ?? "moved-by-sqs";

/** All reasons that were seen on the page: a filtered list has one. */
function useReasons(letters: Letter[] | undefined): string[] {
  const [reasons, setReasons] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const found = letters?.map(reasonOf) ?? [];
    if (found.some((one) => !reasons.has(one))) setReasons(new Set([...reasons, ...found]));
  }, [letters]);
  return [...reasons].sort();
}

function ReasonFilter({ reasons, reason, onChange }: { reasons: string[]; reason: string; onChange: (reason: string) => void }): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{c().operations.onlyReason}</label>
      <select id={id} value={reason} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">{c().operations.everyReason}</option>
        {reasons.map((code) => (
          <option key={code} value={code}>
            {code}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Messages that the API searches for a reason at most. */
const SEARCHED = 200;

/** Says that a queue has, or may have, more than its list, which has no further pages. */
function Unlisted({ name, reason, listed }: { name: string; reason: string; listed: number }): JSX.Element | null {
  const dead = useQuery(queues()).data?.find((one) => one.name === name)?.dead_letters ?? 0;
  const isFull = listed >= PAGE && dead > listed;
  if (reason && (isFull || dead > SEARCHED)) return <p class="hint">{c().operations.listedOfReason(number(PAGE), number(Math.min(SEARCHED, dead)), number(dead))}</p>;
  return isFull ? <p class="hint">{c().operations.listed(number(listed), number(dead))}</p> : null;
}

interface LettersProps {
  name: string;
  letters: Letter[];
  chosen: ReadonlySet<string>;
  toggle: (id: string) => void;
}

function Letters({ name, letters, chosen, toggle }: LettersProps): JSX.Element {
  return (
    <Table caption={c().operations.deadLetters(name)} head={[c().operations.choose, c().operations.since, c().reason, c().operations.event, c().operations.order, c().operations.forecast]}>
      {letters.map((one) => (
        <tr key={one.id}>
          <td>
            <input type="checkbox" aria-label={`${c().operations.choose} ${one.id}`} checked={chosen.has(one.id)} onChange={() => toggle(one.id)} />
          </td>
          <td>{momentInSeconds(one.dead_since)}</td>
          <td>
            <strong>{one.reason ?? c().operations.movedBySqs}</strong> <span lang="en">{one.detail}</span>
          </td>
          <td>
            {one.event?.type}
            {one.event && (
              <details>
                <summary>{c().show}</summary>
                <pre>{JSON.stringify(one.event.data, null, 2)}</pre>
              </details>
            )}
          </td>
          <td>{one.event?.order_id ? <a href={`/console/orders/${one.event.order_id}`}>{one.event.order_id}</a> : "–"}</td>
          <td>
            <ForecastText forecast={one.forecast} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** What its consumer would do with a dead letter, and what is recorded of the event; why, if it would not handle it. */
function ForecastText({ forecast: { outcome, detail, handled_at, failed_attempts, last_failure } }: { forecast: Letter["forecast"] }): JSX.Element {
  const isClear = outcome === "would_retry" || outcome === "already_handled";
  return (
    <>
      {c().operations.forecasts[outcome] ?? outcome} {!isClear && (
        <span class="hint" lang="en">
          {detail}
        </span>
      )}
      {handled_at && <span class="hint"> {momentInSeconds(handled_at)}</span>}
      {last_failure && <span class="hint"> {c().operations.failed(failed_attempts, last_failure)}</span>}
    </>
  );
}

/** Asks before it deletes them: that cannot be undone. */
function DiscardForm({ name, chosen, isHidden, onDone }: Omit<EditProps, "letters">): JSX.Element {
  // The reason that was typed, while it is asked whether they are to be deleted.
  const [asked, setAsked] = useState<string | null>(null);
  const discarding = useRedrive(name, onDone);
  const discard = (): void => {
    setAsked(null);
    if (asked !== null) discarding.mutate({ action: "discard", reason: asked, dry_run: false, message_ids: chosen });
  };
  return (
    <section class="box" hidden={isHidden || chosen.length === 0}>
      <h2>{c().operations.discard}</h2>
      <p>{c().operations.discardText(chosen.length)}</p>
      <Form submit={c().operations.discard} isBusy={discarding.isPending} error={discarding.error} onSubmit={(values) => setAsked(values["/reason"]?.trim() ?? "")}>
        <Field name="/reason" label={c().reason} hint={c().operations.reasonHint} required />
      </Form>
      <Question
        title={c().operations.discard}
        text={c().operations.discardQuestion(chosen.length)}
        isOpen={asked !== null}
        isDanger
        onConfirm={discard}
        onClose={() => setAsked(null)}
      />
    </section>
  );
}

interface EditProps {
  name: string;
  letters: Letter[];
  /** Ids of the dead letters that are edited; none for all. */
  chosen: string[];
  isHidden: boolean;
  onDone: OnDone;
}

/** Edits a text of the events: first as a dry run, then what that has shown. */
function EditForm({ name, letters, chosen, isHidden, onDone }: EditProps): JSX.Element {
  const dry = useRedrive(name, onDone);
  const redriving = useRedrive(name, onDone);
  const members = editableMembers(chosen.length > 0 ? letters.filter(({ id }) => chosen.includes(id)) : letters);
  // What is shown is always what the form asks for. A redrive is shown until it has ended.
  const forget = (): void => {
    dry.reset();
    if (!redriving.isPending) redriving.reset();
  };
  useEffect(forget, [chosen.join(" ")]);
  const { data: shown, variables: asked } = dry;
  const found = useMemo(() => refusal(shown), [shown]);
  const redrive = (): void => {
    if (shown && asked && !redriving.isPending) redriving.mutate(redriveOf(asked, shown));
  };
  return (
    <section class="box" hidden={isHidden || members.length === 0} onInput={forget}>
      <h2>{c().operations.edit}</h2>
      <p>{c().operations.editText}</p>
      <Form submit={c().operations.preview} isBusy={dry.isPending} error={dry.error} found={found} onSubmit={(values) => dry.mutate(editOf(chosen, values))}>
        <Select name="/patch/0/path" label={c().operations.member} required>
          {members.map((pointer) => (
            <option key={pointer}>{pointer}</option>
          ))}
        </Select>
        <TextArea name="/patch/0/value" label={c().operations.value} required />
        <Field name="/reason" label={c().reason} hint={c().operations.reasonHint} required />
      </Form>
      <div role="status">{shown && found.size === 0 && <p class="notice good">{told(c().operations.wouldRedrive(shown.edited.length), shown)}</p>}</div>
      {shown && <Preview shown={shown} />}
      {shown && shown.edited.length > 0 && (
        <div class="actions">
          <button type="button" class="primary" aria-disabled={redriving.isPending} onClick={redrive}>
            {c().operations.redriveEdited(shown.edited.length)}
          </button>
        </div>
      )}
      <div role="alert">{redriving.error && <p class="error">{explain(redriving.error)}</p>}</div>
    </section>
  );
}

/** Why the edit fits no event, at the field of the value. */
function refusal(shown: Redriven | undefined): ReadonlyMap<string, string> {
  const refused = shown?.edited.length === 0 ? shown.refused.slice(0, 1) : [];
  return new Map(refused.map(({ detail }) => ["/patch/0/value", detail]));
}

function Preview({ shown: { edited, refused } }: { shown: Redriven }): JSX.Element {
  return (
    <>
      {edited.length > 0 && (
        <Table caption={c().operations.edited} head={[c().id, c().operations.event]}>
          {edited.map(({ message_id, event }) => (
            <tr key={message_id}>
              <td>{message_id}</td>
              <td>
                {event.type}
                <pre>{JSON.stringify(event.data, null, 2)}</pre>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {edited.length > 0 && <p class="hint">{c().operations.editedHint}</p>}
      {/* The reason of a single one is at the field. */}
      {edited.length + refused.length > 1 && refused.length > 0 && (
        <Table caption={c().operations.staying} head={[c().id, c().reason]}>
          {refused.map(({ message_id, detail }) => (
            <tr key={message_id}>
              <td>{message_id}</td>
              <td class="error" lang="en">
                {detail}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
