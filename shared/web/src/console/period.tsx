import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { utcDay } from "../core/i18n/index.ts";
import { Field, Form } from "../ui/form.tsx";
import { FIRST_DAY, LAST_DAY, MAX_DAYS, refusals, type Days } from "./days.ts";
import { c } from "./texts/index.ts";

/** The days that a page shows, which are part of its address. Those of the address may be refused, too. */
export function Period({ days, path }: { days: Days; path: string }): JSX.Element {
  const { route } = useLocation();
  const [asked, setAsked] = useState(days);
  const { from, to, hint, refused } = c().period;
  const found = useMemo(() => {
    const texts = { day: refused.day(utcDay(FIRST_DAY), utcDay(LAST_DAY)), length: refused.length(MAX_DAYS) };
    return new Map([...refusals(asked.from, asked.to)].map(([name, why]) => [name, texts[why]]));
  }, [asked, refused]);
  const submit = (values: Record<string, string>): void => {
    const next = { from: values["from"] ?? "", to: values["to"] ?? "" };
    setAsked(next);
    if (refusals(next.from, next.to).size === 0) route(`${path}?from=${next.from}&to=${next.to}`);
  };
  return (
    <Form class="filters" submit={c().show} found={found} onSubmit={submit}>
      <Field name="from" label={from} type="date" defaultValue={days.from} required />
      <Field name="to" label={to} hint={hint(MAX_DAYS)} type="date" defaultValue={days.to} required />
    </Form>
  );
}
