// One source of records: its schema, how many records it has, and the records of a period.

import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { now } from "../../core/clock.ts";
import { api, queries, type Schemas } from "../../core/client.ts";
import { moment, momentInSeconds, number, utcDay, utcHour, utcTime } from "../../core/i18n/index.ts";
import { unwrap } from "../../core/problem.ts";
import { isProblemOf } from "../../core/text.ts";
import { Action } from "../../ui/action.tsx";
import { BarChart, type Bar } from "../../ui/chart.tsx";
import { Form, Saved, TextArea } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { daysOf, refusals, type Days } from "../days.ts";
import { beginningOf, indented, objectOf } from "../json.ts";
import { NotFound } from "../other-pages.tsx";
import { Period } from "../period.tsx";
import { records, rollups, source as readSource, type Source } from "../reads.ts";
import { countsOf, type Counts } from "../rollups.ts";
import { c } from "../texts/index.ts";
import { sourcePath, SourceStatus } from "./records.tsx";

export function SourcePage({ name }: { name: string }): JSX.Element {
  const query = useQuery(readSource(name));
  const [wasClosed, setClosed] = useState(false);
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return (
    <Loaded query={query} isPage>
      {(source) => (
        <div class="wide-sections">
          <Title>{c().records.sourceTitle(source.name)}</Title>
          <Saved isSaved={wasClosed} text={c().records.isClosed} />
          <Facts source={source} />
          <details class="box">
            <summary>{c().records.currentSchema(source.schema_version)}</summary>
            <pre>{indented(source.schema)}</pre>
          </details>
          {source.status === "open" && <NewSchema source={source} />}
          {source.status === "open" && (
            <div class="actions">
              <Action
                label={c().records.close}
                question={c().records.closeText}
                isDanger
                run={() => unwrap(api.DELETE("/api/v1/data/sources/{name}", { params: { path: { name } } }))}
                onDone={() => {
                  setClosed(true);
                  void reload(name);
                }}
              />
            </div>
          )}
          <Records name={source.name} />
        </div>
      )}
    </Loaded>
  );
}

const reload = (name: string): Promise<void> => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "sources" || (queryKey[0] === "source" && queryKey[1] === name) });

function Facts({ source }: { source: Source }): JSX.Element {
  return (
    <dl class="facts">
      <dt>{c().status}</dt>
      <dd>
        <SourceStatus status={source.status} />
      </dd>
      <dt>{c().created}</dt>
      <dd>{moment(source.created_at)}</dd>
      {source.closed_at && (
        <>
          <dt>{c().records.closed}</dt>
          <dd>{moment(source.closed_at)}</dd>
        </>
      )}
      <dt>{c().records.version}</dt>
      <dd>
        {source.schema_version} ({moment(source.schema_created_at)})
      </dd>
      <dt>{c().records.clients}</dt>
      <dd>
        {source.writers.length === 0 ? c().records.staffOnly : source.writers.map((id) => <div key={id}>{id}</div>)}
      </dd>
    </dl>
  );
}

function NewSchema({ source }: { source: Source }): JSX.Element {
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const saving = useMutation({
    mutationFn: (body: Schemas["AddSchema"]) => unwrap(api.POST("/api/v1/data/sources/{name}/schemas", { params: { path: { name: source.name } }, body })),
    onSettled: () => reload(source.name),
  });
  const submit = (values: Record<string, string>): void => {
    const schema = objectOf(values["/schema"] ?? "");
    setFound(new Map(schema === null ? [["/schema", c().records.badSchema]] : []));
    if (schema) saving.mutate({ schema, breaking: Boolean(values["/breaking"]) });
  };
  return (
    <details class="box">
      <summary>{c().records.next}</summary>
      <Form version={saving.data?.schema_version ?? 0} submit={c().records.register} isBusy={saving.isPending} error={saving.error} found={found} onSubmit={submit}>
        <TextArea name="/schema" label={c().records.schema} hint={c().records.schemaHint} rows={10} class="code" spellcheck={false} defaultValue={indented(source.schema)} required />
        <label class="check">
          <input type="checkbox" name="/breaking" /> {c().records.breaking}
        </label>
      </Form>
      <Saved isSaved={saving.isSuccess} text={c().records.registered(saving.data?.schema_version ?? 0)} />
    </details>
  );
}

function Records({ name }: { name: string }): JSX.Element {
  const { query: parameters } = useLocation();
  const days = daysOf(parameters["from"] ?? "", parameters["to"] ?? "", now());
  return (
    <section>
      <h2>{c().records.title}</h2>
      <Period days={days} path={sourcePath(name)} />
      {refusals(days.from, days.to).size === 0 && <RecordsOf name={name} days={days} />}
    </section>
  );
}

function RecordsOf({ name, days }: { name: string; days: Days }): JSX.Element {
  const counts = useQuery(rollups(name, days));
  const list = useInfiniteQuery(records(name, days));
  return (
    <>
      <Loaded query={counts}>{(hours) => hours.length > 0 && <CountChart counts={countsOf(hours, days)} />}</Loaded>
      <Paged query={list} empty={c().records.empty} isFound>
        {(items) => (
          <Table caption={c().records.title} head={[c().records.recorded, c().records.payload, { number: c().records.version }, c().id]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>{momentInSeconds(one.recorded_at)}</td>
                <td class="payload">{beginningOf(one.payload)}</td>
                <td class="amount">{one.schema_version}</td>
                <td>
                  <a href={`/console/records/${one.id}`}>{one.id}</a>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </>
  );
}

const LABELS = 3;

function CountChart({ counts: { isHourly, records: total, bytes, bars } }: { counts: Counts }): JSX.Element {
  const step = Math.ceil(bars.length / LABELS);
  const [write, label] = isHourly ? [utcHour, utcTime] : [utcDay, utcDay];
  const shown: Bar[] = bars.map(({ start, records: count }, index) => ({ time: write(start), label: index % step === 0 ? label(start) : undefined, value: count, text: number(count) }));
  const caption = isHourly ? c().records.byHour : c().records.byDay;
  return (
    <>
      <p>{c().records.total(number(total), number(bytes))}</p>
      <BarChart caption={caption} time={c().time} summary={number(total)} format={number} bars={shown} />
    </>
  );
}
