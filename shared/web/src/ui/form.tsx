// Forms: every field has a label and its own error, and what the API rejects is shown at the member that it names.

import { createContext, type ComponentChildren, type JSX } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { t } from "../core/i18n/index.ts";
import { ApiError } from "../core/problem.ts";
import { fieldText, isForeign, isProblemOf } from "../core/text.ts";
import { Explanation } from "./explanation.tsx";
import { complaintOf } from "./validity.ts";

interface FormState {
  errors: ReadonlyMap<string, string>;
  /** Those that are in English, whatever the language of the page. */
  foreign: ReadonlySet<string>;
  used: Set<string>;
}

const FormContext = createContext<FormState>({ errors: new Map(), foreign: new Set(), used: new Set() });

export interface FormProps {
  onSubmit: (values: Record<string, string>) => void;
  /** Gets the values whenever somebody edits one. */
  onEdit?: (values: Record<string, string>) => void;
  /** What the last submission failed with. */
  error?: unknown;
  isBusy?: boolean;
  submit: string;
  busy?: string;
  class?: string;
  children: ComponentChildren;
  /** Beside the button. */
  actions?: ComponentChildren;
  /** What a person calls a member that has no field here. */
  nameOf?: (pointer: string) => string | undefined;
  /** Errors that the page found itself, by pointer. */
  found?: ReadonlyMap<string, string>;
  /** Whether the first field gets the focus when the form appears, because it stands in place of what was pressed. */
  takesFocus?: boolean;
  /** Another number puts the fields back to what they were at first, except choices, which stay. */
  version?: number;
}

/** A form whose fields are named by JSON pointers of the request's body, such as `/shipping_address/city`. */
export function Form(props: FormProps): JSX.Element {
  const form = useRef<HTMLFormElement>(null);
  const [missing, setMissing] = useState<ReadonlyMap<string, string>>(new Map());
  const errors = useMemo(() => new Map([...rejected(props.error), ...(props.found ?? []), ...missing]), [props.error, props.found, missing]);
  const state: FormState = { errors, foreign: foreignOf(props.error), used: new Set() };

  // The first field with an error gets the focus; without one, the summary is announced.
  useEffect(() => {
    const field = errors.size > 0 ? form.current?.querySelector<HTMLElement>("[aria-invalid=true]") : null;
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  }, [errors]);
  useLayoutEffect(() => {
    if (props.takesFocus) form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, []);
  useLayoutEffect(() => {
    if (props.version && form.current) reset(form.current);
  }, [props.version]);

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (props.isBusy) return;
    const element = event.currentTarget as HTMLFormElement;
    const empty = [...element.elements].filter((control) => isInput(control) && !control.validity.valid) as HTMLInputElement[];
    setMissing(new Map(empty.map((control) => [control.name, complaintOf(control)])));
    if (empty.length > 0) return;
    props.onSubmit(valuesOf(element));
  };

  return (
    <FormContext.Provider value={state}>
      <form ref={form} class={props.class} noValidate onSubmit={submit} onInput={(event) => props.onEdit?.(valuesOf(event.currentTarget))} aria-busy={props.isBusy}>
        {props.children}
        <Summary error={props.error} isInvalid={missing.size > 0 || (props.found?.size ?? 0) > 0} nameOf={props.nameOf} />
        <div class="actions">
          <button type="submit" class="primary" aria-disabled={props.isBusy}>
            {props.isBusy ? (props.busy ?? t().loading) : props.submit}
          </button>
          {props.actions}
        </div>
      </form>
    </FormContext.Provider>
  );
}

/**
 * The key of a form that the address fills: another address fills it again. Not the one that the form itself asks for, which is given to
 * the function: the form keeps the focus.
 */
export function useFormKey(address: string): [key: number, keep: (next: string) => void] {
  const known = useRef({ key: 0, address });
  if (known.current.address !== address) known.current = { key: known.current.key + 1, address };
  return [known.current.key, (next) => void (known.current.address = next)];
}

interface SavedProps {
  isSaved: boolean;
  text?: string;
  /** How often it has: the same text once more is another one, which is heard again. */
  times?: number;
}

/** Says that a form, or another action, has succeeded. */
export function Saved({ isSaved, text = t().saved, times = 0 }: SavedProps): JSX.Element {
  return (
    <div role="status">
      {isSaved && (
        <p key={times} class="notice good">
          {text}
        </p>
      )}
    </div>
  );
}

function valuesOf(form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

/** A choice would go back to its first option, whatever was chosen at first: `selected` is no attribute here. */
function reset(form: HTMLFormElement): void {
  const choices = [...form.querySelectorAll("select")].map((select) => [select, select.value] as const);
  form.reset();
  for (const [select, value] of choices) select.value = value;
}

function isInput(control: Element): control is HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement {
  return control instanceof HTMLInputElement || control instanceof HTMLSelectElement || control instanceof HTMLTextAreaElement;
}

const errorsOf = (error: unknown) => (error instanceof ApiError ? (error.problem?.errors ?? []) : []);

function rejected(error: unknown): Map<string, string> {
  return new Map(errorsOf(error).map((one) => [one.pointer, fieldText(one.detail)]));
}

/** Errors of the API that the page has no text for in its language. */
function foreignOf(error: unknown): ReadonlySet<string> {
  return new Set(errorsOf(error).map(({ detail }) => detail).filter(isForeign));
}

/** What failed apart from single fields, and errors at members that the form has no field for. */
function Summary({ error, isInvalid, nameOf }: { error: unknown; isInvalid: boolean; nameOf: FormProps["nameOf"] }): JSX.Element {
  const { used } = useContext(FormContext);
  // The fields have registered themselves by now: they are drawn before the summary.
  const unplaced = [...rejected(error)].filter(([pointer]) => !used.has(pointer));
  const hasFields = isInvalid || unplaced.length < rejected(error).size;
  // Any other problem is explained by its type.
  const isNamed = isProblemOf(error, "validation") && unplaced.some(([pointer]) => nameOf?.(pointer));
  const id = error instanceof ApiError && error.status >= 500 ? error.problem?.trace_id : undefined;
  return (
    <div role="alert" class="summary">
      {(error != null || isInvalid) && (
        <p class="error">
          {hasFields ? t().fixFields : !isNamed && <Explanation error={error} />}
          {(hasFields || isNamed) && !isInvalid && unplaced.map(([pointer, detail]) => <Unplaced key={pointer} name={nameOf?.(pointer) ?? pointer} detail={detail} />)}
          {id && <small> {t().problemId(id)}</small>}
        </p>
      )}
    </div>
  );
}

/** What the API says of a member that the form has no field for. */
function Unplaced({ name, detail }: { name: string; detail: string }): JSX.Element {
  const { foreign } = useContext(FormContext);
  return (
    <span>
      {" "}
      {name}: <span lang={foreign.has(detail) ? "en" : undefined}>{detail}</span>
    </span>
  );
}

interface FieldProps extends Omit<JSX.InputHTMLAttributes<HTMLInputElement>, "label" | "name"> {
  name: string;
  label: string;
  hint?: string | undefined;
}

/** A labelled input. */
export function Field({ name, label, hint, ...input }: FieldProps): JSX.Element {
  const { id, described, ...notes } = useField(name, hint);
  return (
    <div class="field">
      <FieldLabel id={id} label={label} isRequired={input.required === true} />
      <input id={id} name={name} aria-invalid={notes.error ? true : undefined} aria-describedby={described} autocomplete="off" {...input} />
      <FieldNotes id={id} hint={hint} {...notes} />
    </div>
  );
}

interface SelectProps extends Omit<JSX.SelectHTMLAttributes<HTMLSelectElement>, "name"> {
  name: string;
  label: string;
  hint?: string | undefined;
  children: ComponentChildren;
}

export function Select({ name, label, hint, children, ...select }: SelectProps): JSX.Element {
  const { id, described, ...notes } = useField(name, hint);
  return (
    <div class="field">
      <FieldLabel id={id} label={label} isRequired={select.required === true} />
      <select id={id} name={name} aria-invalid={notes.error ? true : undefined} aria-describedby={described} {...select}>
        {children}
      </select>
      <FieldNotes id={id} hint={hint} {...notes} />
    </div>
  );
}

interface TextAreaProps extends Omit<JSX.TextareaHTMLAttributes<HTMLTextAreaElement>, "name"> {
  name: string;
  label: string;
  hint?: string | undefined;
}

export function TextArea({ name, label, hint, ...area }: TextAreaProps): JSX.Element {
  const { id, described, ...notes } = useField(name, hint);
  return (
    <div class="field">
      <FieldLabel id={id} label={label} isRequired={area.required === true} />
      <textarea id={id} name={name} rows={4} aria-invalid={notes.error ? true : undefined} aria-describedby={described} {...area} />
      <FieldNotes id={id} hint={hint} {...notes} />
    </div>
  );
}

interface Choice {
  value: string;
  label: string;
}

/** One of a few values, as radio buttons. */
export function Choices({ name, legend, options, initial }: { name: string; legend: string; options: Choice[]; initial?: string | undefined }): JSX.Element {
  const { id, described, ...notes } = useField(name, undefined);
  const chosen = (options.find(({ value }) => value === initial) ?? options[0])?.value;
  return (
    <fieldset class="choices" aria-describedby={described}>
      <legend>{legend}</legend>
      {options.map(({ value, label }, index) => (
        <label key={value}>
          <input type="radio" name={name} value={value} defaultChecked={value === chosen} required aria-invalid={notes.error && index === 0 ? true : undefined} />
          {label}
        </label>
      ))}
      <FieldNotes id={id} hint={undefined} {...notes} />
    </fieldset>
  );
}

function useField(name: string, hint: string | undefined): { id: string; described: string | undefined } & Notes {
  const { errors, foreign, used } = useContext(FormContext);
  const id = useId();
  used.add(name);
  const error = errors.get(name);
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return { id, described: described || undefined, error, language: error && foreign.has(error) ? "en" : undefined };
}

function FieldLabel({ id, label, isRequired }: { id: string; label: string; isRequired: boolean }): JSX.Element {
  return (
    <label for={id}>
      {label}
      {!isRequired && <small> ({t().optional})</small>}
    </label>
  );
}

interface Notes {
  error: string | undefined;
  /** Of the error, if it is not the one of the page. */
  language: string | undefined;
}

function FieldNotes({ id, hint, error, language }: { id: string; hint: string | undefined } & Notes): JSX.Element {
  return (
    <>
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} class="error" lang={language}>
          {error}
        </p>
      )}
    </>
  );
}
