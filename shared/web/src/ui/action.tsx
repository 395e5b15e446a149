import { useMutation } from "@tanstack/preact-query";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../core/i18n/index.ts";
import { explain } from "../core/text.ts";
import { Question } from "./question.tsx";

interface Props<T> {
  label: string;
  run: () => Promise<T>;
  /** Gets the result, once the question is closed. */
  onDone?: (result: T) => void;
  /** Asked before it is done; without it the button acts at once. */
  question?: string | undefined;
  /** The button of the question that does nothing, where "cancel" would be misread. */
  dismiss?: string;
  /** Said when it is done, if it is more than that; empty where the page says it. */
  done?: string;
  /** What it acts on, where several buttons have the same label. */
  about?: string;
  isDanger?: boolean;
  children?: ComponentChildren;
}

/** A button that does one thing, with its progress, its failure, and a question before what cannot be undone. */
export function Action<T>({ label, run, onDone, question, dismiss, done = t().done, about, isDanger = false }: Props<T>): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const action = useMutation({
    // The result may be a secret, which the cache of mutations would keep.
    mutationFn: async () => {
      const result = await run();
      setAsking(false);
      onDone?.(result);
    },
  });
  const start = (): void => {
    if (!action.isPending) action.mutate();
  };
  const style = isDanger ? "danger" : undefined;
  const failure = <div role="alert">{action.error && <p class="error">{explain(action.error)}</p>}</div>;
  // Without what the last try ended with.
  const ask = (): void => {
    if (!action.isPending) action.reset();
    setAsking(true);
  };
  return (
    <div class="action">
      <button type="button" class={style} aria-label={about && `${label}: ${about}`} aria-disabled={action.isPending} onClick={question ? ask : start}>
        {label}
      </button>
      <div role="status">{action.isSuccess && done && <p class="hint">{done}</p>}</div>
      {!question && failure}
      {question && (
        <Question title={label} text={question} isOpen={isAsking} isBusy={action.isPending} isDanger={isDanger} dismiss={dismiss} onConfirm={start} onClose={() => setAsking(false)}>
          {failure}
        </Question>
      )}
    </div>
  );
}
