import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { utcDay } from "../core/i18n/index.ts";
import { Field, Form, useFormKey } from "../ui/form.tsx";
import { FIRST_DAY, LAST_DAY, MAX_DAYS, refusals, type Days } from "./days.ts";
import { c } from "./texts/index.ts";

interface Props {
  days: Days;
  path: string;
}

const addressOf = (path: string, { from, to }: Days): string => `${path}?from=${from}&to=${to}`;

/** The days that a page shows, which are part of its address. Those of the address may be refused, too. */
export function Period({ days, path }: Props): JSX.Element {
  const { route } = useLocation();
  const [key, keep] = useFormKey(addressOf(path, days));
  const show = (next: Days): void => {
    keep(addressOf(path, next));
    route(addressOf(path, next));
  };
  return <PeriodForm key={key} days={days} show={show} />;
}

function PeriodForm({ days, show }: { days: Days; show: (next: Days) => void }): JSX.Element {
  const [asked, setAsked] = useState(days);
  const { from, to, hint, refused } = c().period;
  const found = useMemo(() => {
    const texts = { day: refused.day(utcDay(FIRST_DAY), utcDay(LAST_DAY)), length: refused.length(MAX_DAYS) };
    return new Map([...refusals(asked.from, asked.to)].map(([name, why]) => [name, texts[why]]));
  }, [asked, refused]);
  const submit = (values: Record<string, string>): void => {
    const next = { from: values["from"] ?? "", to: values["to"] ?? "" };
    setAsked(next);
    if (refusals(next.from, next.to).size === 0) show(next);
  };
  return (
    <Form class="filters" submit={c().show} found={found} onSubmit={submit}>
      <Field name="from" label={from} type="date" defaultValue={days.from} required />
      <Field name="to" label={to} hint={hint(MAX_DAYS)} type="date" defaultValue={days.to} required />
    </Form>
  );
}
