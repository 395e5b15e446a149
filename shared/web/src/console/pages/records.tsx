// Sources of records, and single records.

import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, queries, type Schemas } from "../../core/client.ts";
import { moment, momentInSeconds, number } from "../../core/i18n/index.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { isProblemOf } from "../../core/text.ts";
import { Field, Form, TextArea } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { indented, objectOf } from "../json.ts";
import { NotFound } from "../other-pages.tsx";
import { isId, record as readRecord, sources, type Source } from "../reads.ts";
import { c } from "../texts/index.ts";

export const sourcePath = (name: string): string => `/console/sources/${encodeURIComponent(name)}`;

export function RecordsPage(): JSX.Element {
  const list = useInfiniteQuery(sources());
  return (
    <>
      <Title>{c().records.title}</Title>
      <FindRecord />
      <Paged query={list} empty={c().records.none}>
        {(items) => (
          <Table caption={c().records.sources} head={[c().records.source, c().status, { number: c().records.version }, { number: c().records.clients }, c().created]}>
            {items.map((one) => (
              <tr key={one.name}>
                <td>
                  <a href={sourcePath(one.name)}>{one.name}</a>
                </td>
                <td>
                  <SourceStatus status={one.status} />
                </td>
                <td class="amount">{one.schema_version}</td>
                <td class="amount">{number(one.writers)}</td>
                <td>{moment(one.created_at)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
      <NewSource />
    </>
  );
}

export function SourceStatus({ status }: { status: Source["status"] }): JSX.Element {
  return <span class={`tag ${status === "open" ? "delivered" : "cancelled"}`}>{c().records.statuses[status]}</span>;
}

function FindRecord(): JSX.Element {
  const { route } = useLocation();
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const open = ({ id = "" }: Record<string, string>): void => {
    if (isId(id.trim())) route(`/console/records/${id.trim()}`);
    else setFound(new Map([["id", c().orders.badId]]));
  };
  return (
    <Form class="filters" submit={c().show} onSubmit={open} found={found}>
      <Field name="id" label={c().records.find} hint={c().records.findHint} spellcheck={false} required />
    </Form>
  );
}

/** What a source starts with: any object. */
const FIRST_SCHEMA = indented({ type: "object", properties: {}, required: [] });

function NewSource(): JSX.Element {
  const { route } = useLocation();
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map());
  const create = (body: Schemas["CreateSource"], key: string): Promise<Source> => unwrap(api.POST("/api/v1/data/sources", { params: { header: { "Idempotency-Key": key } }, body }));
  const creating = useKeyed("POST /data/sources", create, {
    onSuccess: async ({ name }) => {
      route(sourcePath(name));
      await queries.invalidateQueries({ queryKey: ["sources"] });
    },
  });
  const submit = (values: Record<string, string>): void => {
    const schema = objectOf(values["/schema"] ?? "");
    const writers = (values["/writers"] ?? "").split(/[\s,]+/).filter(Boolean);
    const wrong = new Map<string, string>();
    if (!writers.every(isId)) wrong.set("/writers", c().orders.badId);
    if (schema === null) wrong.set("/schema", c().records.badSchema);
    setFound(wrong);
    if (schema && wrong.size === 0) creating.mutate({ name: values["/name"]?.trim() ?? "", writers, schema });
  };
  return (
    <details class="box">
      <summary>{c().records.add}</summary>
      <Form submit={c().records.create} isBusy={creating.isPending} error={creating.error} found={found} onSubmit={submit}>
        <Field name="/name" label={c().records.name} hint={c().records.nameHint} maxLength={64} spellcheck={false} required />
        <Field name="/writers" label={c().records.writers} hint={c().records.writersHint} spellcheck={false} />
        <TextArea name="/schema" label={c().records.schema} hint={c().records.schemaHint} rows={8} class="code" spellcheck={false} defaultValue={FIRST_SCHEMA} required />
      </Form>
    </details>
  );
}

export function RecordPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(readRecord(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return (
    <Loaded query={query} isPage>
      {(record) => (
        <>
          <Title>{c().records.one(record.id)}</Title>
          <dl class="facts">
            <dt>{c().records.source}</dt>
            <dd>
              <a href={sourcePath(record.source)}>{record.source}</a>
            </dd>
            <dt>{c().records.recorded}</dt>
            <dd>{momentInSeconds(record.recorded_at)}</dd>
            <dt>{c().records.received}</dt>
            <dd>{momentInSeconds(record.received_at)}</dd>
            <dt>{c().records.version}</dt>
            <dd>{record.schema_version}</dd>
          </dl>
          <h2>{c().records.payload}</h2>
          <pre>{indented(record.payload)}</pre>
        </>
      )}
    </Loaded>
  );
}
