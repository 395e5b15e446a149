// Service clients: programs that call the API with a secret of their own.

import { useInfiniteQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, queries, type Schemas } from "../../core/client.ts";
import { moment, momentInZone } from "../../core/i18n/index.ts";
import { sendKeyed, useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { Action } from "../../ui/action.tsx";
import { Field, Form, Saved } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Title } from "../../ui/page.tsx";
import { Operator } from "../operator.tsx";
import { clients, type Client } from "../reads.ts";
import { Secret } from "../secret.tsx";
import { c } from "../texts/index.ts";

type Issued = Schemas["ClientSecretView"];

const reload = (): Promise<void> => queries.invalidateQueries({ queryKey: ["clients"] });

export function ClientsPage(): JSX.Element {
  const list = useInfiniteQuery(clients());
  const [issued, setIssued] = useState<Issued | null>(null);
  const [deleted, setDeleted] = useState<string | null>(null);
  const show = (one: Issued): void => {
    setIssued(one);
    setDeleted(null);
    void reload();
  };
  const leave = (name: string): void => {
    setDeleted(name);
    void reload();
  };
  return (
    <>
      <Title>{c().clients.title}</Title>
      <p>{c().clients.text}</p>
      <Saved isSaved={deleted !== null} text={c().clients.deleted(deleted ?? "")} />
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().clients.title} head={[c().clients.name, c().clients.id, c().created, c().clients.createdBy, c().clients.previous, c().actions]}>
            {items.map((one) => (
              <Row key={one.id} client={one} onIssued={show} onDeleted={leave} />
            ))}
          </Table>
        )}
      </Paged>
      <NewClient onIssued={show} />
      <Secret title={c().clients.secretTitle} value={issued?.secret ?? null} onClose={() => setIssued(null)}>
        {issued && (
          <dl class="facts">
            <dt>{c().clients.name}</dt>
            <dd>{issued.name}</dd>
            <dt>{c().clients.id}</dt>
            <dd>
              <code>{issued.id}</code>
            </dd>
          </dl>
        )}
      </Secret>
    </>
  );
}

function Row({ client, onIssued, onDeleted }: { client: Client; onIssued: (issued: Issued) => void; onDeleted: (name: string) => void }): JSX.Element {
  const path = { id: client.id };
  // A repetition of a request whose answer was lost must not replace the secret again: the one in use would end at once.
  const rotate = (): Promise<Issued> =>
    sendKeyed(`POST /oauth/clients/${client.id}/secret`, (key) =>
      unwrap(api.POST("/api/v1/oauth/clients/{id}/secret", { params: { path, header: { "Idempotency-Key": key } } })),
    );
  const until = client.previous_secret_valid_until;
  return (
    <tr>
      <td>{client.name}</td>
      <td>
        <code>{client.id}</code>
      </td>
      <td>{moment(client.created_at)}</td>
      <td>
        <Operator id={client.created_by} />
      </td>
      <td>{until ? momentInZone(until) : "–"}</td>
      <td>
        <div class="actions">
          <Action label={c().clients.rotate} about={client.name} question={c().clients.rotateText} run={rotate} onDone={onIssued} />
          <Action label={c().clients.delete} about={client.name} question={c().clients.deleteText} isDanger run={() => unwrap(api.DELETE("/api/v1/oauth/clients/{id}", { params: { path } }))} onDone={() => onDeleted(client.name)} />
        </div>
      </td>
    </tr>
  );
}

function NewClient({ onIssued }: { onIssued: (issued: Issued) => void }): JSX.Element {
  const [version, setVersion] = useState(0);
  // Returns nothing: the cache of mutations would keep the secret.
  const create = async (body: Schemas["CreateClient"], key: string): Promise<void> =>
    onIssued(await unwrap(api.POST("/api/v1/oauth/clients", { params: { header: { "Idempotency-Key": key } }, body })));
  const creating = useKeyed("POST /oauth/clients", create, { onSuccess: () => setVersion((before) => before + 1) });
  return (
    <details class="box">
      <summary>{c().clients.add}</summary>
      <Form version={version} submit={c().clients.create} isBusy={creating.isPending} error={creating.error} onSubmit={(values) => creating.mutate({ name: values["/name"]?.trim() ?? "" })}>
        <Field name="/name" label={c().clients.name} hint={c().clients.nameHint} maxLength={64} required />
      </Form>
    </details>
  );
}
