// What was sold on a day of UTC, beside the days before it.

import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useLocation } from "preact-iso";
import { now } from "../../core/clock.ts";
import { momentInZone, money, number, shortMoney, utcDay, utcHour, utcWeekday } from "../../core/i18n/index.ts";
import { BarChart, type Bar } from "../../ui/chart.tsx";
import { Field, Form, useFormKey } from "../../ui/form.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { dayOf, periodOf, summaryOf, type DaySummary, type Figures } from "../days.ts";
import { daySummary } from "../reads.ts";
import { c } from "../texts/index.ts";
import { Payments } from "./analytics.tsx";

export function SummaryPage(): JSX.Element {
  const { query: parameters, route } = useLocation();
  const today = dayOf("", now());
  const day = dayOf(parameters["day"] ?? "", now());
  const query = useQuery(daySummary(day));
  const [key, keep] = useFormKey(day);
  const show = (values: Record<string, string>): void => {
    const chosen = dayOf(values["day"] ?? "", now());
    keep(chosen);
    route(`/console/summary?day=${chosen}`);
  };
  return (
    <div class="wide-sections">
      <Title>{c().summary.title}</Title>
      <Form key={key} class="filters" submit={c().show} onSubmit={show}>
        <Field name="day" label={c().summary.day} type="date" max={today} defaultValue={day} required />
      </Form>
      <h2>{utcDay(day)}</h2>
      <Loaded query={query}>
        {({ days, complete_until }) => (
          <>
            {Date.parse(complete_until) < Date.parse(periodOf(day).to) && <p class="hint">{c().summary.complete(momentInZone(complete_until))}</p>}
            <Day summary={summaryOf(days, day)} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function Day({ summary: { orders, currencies, ordersByDay, revenueByDay } }: { summary: DaySummary }): JSX.Element {
  const isQuiet = ordersByDay.every(({ value }) => value === 0);
  return (
    <>
      {currencies.length === 0 ? (
        <p class="empty">{c().summary.empty}</p>
      ) : (
        <dl class="figures">
          <div>
            <dt>{c().analytics.orders}</dt>
            <dd>{number(orders)}</dd>
          </div>
          {currencies.map((figures) => (
            <KeyFigures key={figures.currency} figures={figures} />
          ))}
        </dl>
      )}
      {currencies.map(({ currency, payments }) => (
        <Payments key={currency} currency={currency} payments={payments} />
      ))}
      {!isQuiet && <DayChart caption={c().analytics.orders} days={ordersByDay} write={number} axis={number} />}
      {revenueByDay.map(({ currency, days }) => (
        <DayChart
          key={currency}
          caption={c().analytics.revenue(currency)}
          days={days}
          write={(amount) => money({ amount, currency })}
          axis={(amount) => shortMoney({ amount, currency })}
        />
      ))}
    </>
  );
}

function KeyFigures({ figures: { currency, revenue, average, peakHour, firstOrders, repeatOrders } }: { figures: Figures }): JSX.Element {
  const rows = [
    [c().analytics.revenue(currency), money({ amount: revenue, currency })],
    [c().analytics.average(currency), money({ amount: average, currency })],
    [c().summary.peakHour(currency), peakHour ? utcHour(peakHour) : "–"],
    [c().analytics.firstOrders(currency), number(firstOrders)],
    [c().summary.repeatOrders(currency), number(repeatOrders)],
  ] as const;
  return (
    <>
      {rows.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </>
  );
}

interface ChartProps {
  caption: string;
  days: DaySummary["ordersByDay"];
  write: (value: number) => string;
  /** Writes a value of the axis. */
  axis: (value: number) => string;
}

function DayChart({ caption, days, write, axis }: ChartProps): JSX.Element {
  const bars: Bar[] = days.map(({ day, value }) => ({ time: utcDay(day), label: utcWeekday(day), value, text: write(value) }));
  const total = write(days.reduce((before, { value }) => before + value, 0));
  return <BarChart caption={c().summary.week(caption)} time={c().summary.day} summary={total} format={axis} bars={bars} />;
}
