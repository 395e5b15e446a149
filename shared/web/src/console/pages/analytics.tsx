// What was sold in the last hours: orders, revenue by currency, products and regions.

import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { useLocation } from "preact-iso";
import { clock, moment, momentRange, money, number, shortMoney } from "../../core/i18n/index.ts";
import { BarChart, ShareBar, type Bar } from "../../ui/chart.tsx";
import { Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { anomalies, sales } from "../reads.ts";
import { c } from "../texts/index.ts";
import { OUTCOMES, PERIODS, unusualBuckets, type Anomaly, type Bucket, type PeriodName, type Summary, type Totals } from "../windows.ts";

export function AnalyticsPage(): JSX.Element {
  const { query: parameters } = useLocation();
  const wanted = parameters["period"] ?? "";
  const period: PeriodName = wanted in PERIODS ? (wanted as PeriodName) : "day";
  const query = useQuery(sales(period));
  const unusual = useQuery(anomalies(period));
  const list = (
    <section>
      <h2>{c().analytics.anomalies}</h2>
      <Loaded query={unusual}>{(found) => (found.length === 0 ? <p class="empty">{c().analytics.noAnomalies}</p> : <Anomalies anomalies={found} />)}</Loaded>
      <p class="hint">{c().analytics.anomaliesHint}</p>
    </section>
  );
  return (
    <div class="wide-sections">
      <Title>{c().analytics.title}</Title>
      <PeriodChoice period={period} />
      <Loaded query={query}>{(summary) => <Sales summary={summary} period={period} unusual={unusual.data ?? []} list={list} />}</Loaded>
    </div>
  );
}

function PeriodChoice({ period }: { period: PeriodName }): JSX.Element {
  const { route } = useLocation();
  const id = useId();
  return (
    <div class="field narrow">
      <label for={id}>{c().analytics.period}</label>
      <select id={id} value={period} onChange={(event) => route(`/console/analytics?period=${event.currentTarget.value}`, true)}>
        {Object.keys(PERIODS).map((name) => (
          <option key={name} value={name}>
            {c().analytics.periods[name]}
          </option>
        ))}
      </select>
    </div>
  );
}

interface SalesProps {
  summary: Summary;
  period: PeriodName;
  unusual: readonly Anomaly[];
  /** The unusual windows as a list, which also a period without orders has. */
  list: JSX.Element;
}

function Sales({ summary, period, unusual, list }: SalesProps): JSX.Element {
  // Payments may have been declined, all of them, or refunded.
  const payments = summary.currencies.map((one) => <Payments key={one.currency} currency={one.currency} payments={one.payments} />);
  if (summary.orders === 0) {
    return (
      <>
        <p class="empty">{c().analytics.empty}</p>
        {list}
        {payments}
      </>
    );
  }
  const orders = number(summary.orders);
  return (
    <>
      <dl class="figures">
        <div>
          <dt>{c().analytics.orders}</dt>
          <dd>{orders}</dd>
        </div>
        {summary.currencies.map((one) => (
          <KeyFigures key={one.currency} totals={one} />
        ))}
      </dl>
      <BarChart
        caption={c().analytics.orders}
        time={c().time}
        summary={orders}
        format={number}
        bars={bars(summary.buckets, period, ({ orders: count }) => count, number, unusualBuckets(unusual, "orders", null, summary.span))}
      />
      {summary.currencies.map((one) => (
        <Revenue key={one.currency} totals={one} period={period} marked={unusualBuckets(unusual, "revenue", one.currency, summary.span)} />
      ))}
      {list}
      {payments}
      <Products products={summary.products} />
      {summary.currencies.map((one) => (
        <Regions key={one.currency} totals={one} />
      ))}
    </>
  );
}

/** Labels stand at round times of the reader's own day. */
function bars(buckets: readonly Bucket[], period: PeriodName, valueOf: (bucket: Bucket) => number, format: (value: number) => string, marked: ReadonlySet<number>): Bar[] {
  return buckets.map((bucket) => {
    const start = new Date(bucket.start);
    const isLabelled = (bucket.start - start.getTimezoneOffset() * 60_000) % PERIODS[period].label === 0;
    const value = valueOf(bucket);
    const mark = marked.has(bucket.start) ? c().analytics.unusual : undefined;
    return { time: moment(start.toISOString()), label: isLabelled ? clock(start.toISOString()) : undefined, value, text: format(value), mark };
  });
}

function KeyFigures({ totals: { currency, revenue, average, firstOrders } }: { totals: Totals }): JSX.Element {
  return (
    <>
      <div>
        <dt>{c().analytics.revenue(currency)}</dt>
        <dd>{money({ amount: revenue, currency })}</dd>
      </div>
      <div>
        <dt>{c().analytics.average(currency)}</dt>
        <dd>{money({ amount: average, currency })}</dd>
      </div>
      <div>
        <dt>{c().analytics.firstOrders(currency)}</dt>
        <dd>{number(firstOrders)}</dd>
      </div>
    </>
  );
}

interface RevenueProps {
  totals: Totals;
  period: PeriodName;
  marked: ReadonlySet<number>;
}

function Revenue({ totals: { currency, revenue, buckets }, period, marked }: RevenueProps): JSX.Element {
  const format = (amount: number): string => money({ amount, currency });
  return (
    <BarChart
      caption={c().analytics.revenue(currency)}
      time={c().time}
      summary={format(revenue)}
      format={(amount) => shortMoney({ amount, currency })}
      bars={bars(buckets, period, (bucket) => bucket.revenue, format, marked)}
    />
  );
}

function Anomalies({ anomalies: found }: { anomalies: readonly Anomaly[] }): JSX.Element {
  const texts = c().analytics;
  return (
    <Table caption={texts.anomalies} head={[texts.window, texts.figure, { number: texts.observed }, { number: texts.expected }, { number: texts.usual }]}>
      {found.map((one) => {
        const isOrders = one.metric === "orders";
        const format = (value: number): string => (isOrders ? number(value) : money({ amount: value, currency: one.currency }));
        return (
          <tr key={`${one.id} ${one.metric}`}>
            <td>{momentRange(one.start, one.end)}</td>
            <td>{isOrders ? texts.ordersIn(one.currency) : texts.revenue(one.currency)}</td>
            <td class="amount">{format(one.observed)}</td>
            <td class="amount">{format(one.expected)}</td>
            <td class="amount">{texts.between(format(one.least), format(one.most))}</td>
          </tr>
        );
      })}
    </Table>
  );
}

/** Payments in a currency by their outcome. */
export function Payments({ currency, payments }: Pick<Totals, "currency" | "payments">): JSX.Element {
  const caption = c().analytics.payments(currency);
  return (
    <section>
      <h2>{caption}</h2>
      <Table caption={caption} head={[c().status, { number: c().analytics.count }, { number: c().total }]}>
        {OUTCOMES.map((outcome) => (
          <tr key={outcome}>
            <td>{c().analytics.outcomes[outcome]}</td>
            <td class="amount">{number(payments[outcome].count)}</td>
            <td class="amount">{money({ amount: payments[outcome].amount, currency })}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Products({ products }: { products: Summary["products"] }): JSX.Element {
  const most = Math.max(...products.map(({ units }) => units));
  return (
    <section>
      <h2>{c().analytics.products}</h2>
      <Table caption={c().analytics.products} head={[c().products.name, { number: c().products.units }]}>
        {products.map(({ id, name, units }) => (
          <tr key={id}>
            <td>
              <a href={`/console/products/${id}`}>{name}</a>
              <ShareBar part={units} whole={most} />
            </td>
            <td class="amount">{number(units)}</td>
          </tr>
        ))}
      </Table>
      <p class="hint">{c().analytics.productsHint}</p>
    </section>
  );
}

function Regions({ totals: { currency, regions } }: { totals: Totals }): JSX.Element {
  const most = Math.max(...regions.map(({ revenue }) => revenue));
  const caption = c().analytics.regions(currency);
  return (
    <section>
      <h2>{caption}</h2>
      <Table caption={caption} head={[c().analytics.region, { number: c().analytics.orders }, { number: c().total }]}>
        {regions.map(({ region, orders, revenue }) => (
          <tr key={region}>
            <td>
              {region}
              <ShareBar part={revenue} whole={most} />
            </td>
            <td class="amount">{number(orders)}</td>
            <td class="amount">{money({ amount: revenue, currency })}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
