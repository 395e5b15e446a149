// Imports and exports of products: files of JSON lines, with the state of each job.

import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, queries } from "../../core/client.ts";
import { moment, number } from "../../core/i18n/index.ts";
import { unwrap } from "../../core/problem.ts";
import { isProblemOf } from "../../core/text.ts";
import { upload } from "../../core/upload.ts";
import { Action } from "../../ui/action.tsx";
import { Field, Form, Select } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { NotFound } from "../other-pages.tsx";
import { exportJob, exportJobs, importJob, importJobs, isRunning, type Export, type Import } from "../reads.ts";
import { c } from "../texts/index.ts";

const MODES = ["create", "upsert"] as const;

export function TransfersPage(): JSX.Element {
  return (
    <div class="wide-sections">
      <Title>{c().transfers.title}</Title>
      <p>
        <a href="/console/products">{c().products.title}</a>
      </p>
      <NewImport />
      <Imports />
      <NewExport />
      <Exports />
    </div>
  );
}

const statusOf = ({ status }: Import | Export): string => c().transfers.statuses[status] ?? status;

function NewImport(): JSX.Element {
  const { route } = useLocation();
  const [file, setFile] = useState<File | null>(null);
  const [part, setPart] = useState(0);
  const importing = useMutation({
    mutationFn: async ({ chosen, mode }: { chosen: File; mode: (typeof MODES)[number] }) => {
      setPart(0);
      const job = await unwrap(api.POST("/api/v1/products/imports", { body: { size: chosen.size, mode } }));
      if (job.upload) await upload(job.upload, chosen, setPart);
      return job;
    },
    onSuccess: ({ id }) => route(`/console/products/imports/${id}`),
    onSettled: () => queries.invalidateQueries({ queryKey: ["imports"] }),
  });
  const submit = (values: Record<string, string>): void => {
    const mode = MODES.find((one) => one === values["/mode"]) ?? "create";
    if (file) importing.mutate({ chosen: file, mode });
  };
  return (
    <section class="box">
      <h2>{c().transfers.import}</h2>
      <Form submit={c().transfers.upload} busy={c().transfers.uploading} isBusy={importing.isPending} error={importing.error} onSubmit={submit}>
        <Field name="/size" label={c().transfers.file} hint={c().transfers.fileHint} type="file" accept=".jsonl,.ndjson,application/x-ndjson" required onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
        <Select name="/mode" label={c().transfers.mode} required>
          {MODES.map((mode) => (
            <option key={mode} value={mode}>
              {c().transfers.modes[mode]}
            </option>
          ))}
        </Select>
      </Form>
      {importing.isPending && <progress aria-label={c().transfers.uploading} value={part} />}
    </section>
  );
}

function Imports(): JSX.Element {
  const list = useInfiniteQuery(importJobs());
  return (
    <section>
      <h2>{c().transfers.imports}</h2>
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().transfers.imports} head={[c().created, c().status, { number: c().transfers.lines }, { number: c().transfers.rejected }]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>
                  <a href={`/console/products/imports/${one.id}`}>{moment(one.created_at)}</a>
                </td>
                <td>{statusOf(one)}</td>
                <td class="amount">{number(one.lines)}</td>
                <td class="amount">{number(one.rejected)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}

function NewExport(): JSX.Element {
  const { route } = useLocation();
  const start = async (): Promise<void> => {
    const { id } = await unwrap(api.POST("/api/v1/products/exports"));
    await queries.invalidateQueries({ queryKey: ["exports"] });
    route(`/console/products/exports/${id}`);
  };
  return (
    <section class="box">
      <h2>{c().transfers.export}</h2>
      <p>{c().transfers.exportText}</p>
      <Action label={c().transfers.start} run={start} />
    </section>
  );
}

function Exports(): JSX.Element {
  const list = useInfiniteQuery(exportJobs());
  return (
    <section>
      <h2>{c().transfers.exports}</h2>
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().transfers.exports} head={[c().created, c().status, { number: c().products.title }]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>
                  <a href={`/console/products/exports/${one.id}`}>{moment(one.created_at)}</a>
                </td>
                <td>{statusOf(one)}</td>
                <td class="amount">{number(one.products)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}

/** The state of a job, which is read again until it ends. */
function JobStatus({ job }: { job: Import | Export }): JSX.Element {
  return (
    <section class="status">
      <div role="status">
        <p class="big">{statusOf(job)}</p>
      </div>
      {isRunning(job) && (
        <>
          <progress aria-label={statusOf(job)} />
          <p class="hint">{c().transfers.wait}</p>
        </>
      )}
      <p>
        <a href="/console/products/transfers">{c().transfers.title}</a>
      </p>
    </section>
  );
}

export function ImportPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(importJob(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return (
    <div class="wide-sections">
      <Title>{c().transfers.importTitle}</Title>
      <Loaded query={query}>
        {(job) => (
          <>
            <JobStatus job={job} />
            {job.reason && <p class="notice bad">{c().transfers.reasons[job.reason] ?? job.reason}</p>}
            <Counts job={job} />
            {job.errors.length > 0 && <LineErrors job={job} />}
          </>
        )}
      </Loaded>
    </div>
  );
}

function Counts({ job }: { job: Import }): JSX.Element {
  const counts = [
    [c().transfers.lines, job.lines],
    [c().transfers.created, job.created],
    [c().transfers.updated, job.updated],
    [c().transfers.unchanged, job.unchanged],
    [c().transfers.rejected, job.rejected],
  ] as const;
  return (
    <dl class="figures">
      {counts.map(([name, count]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{number(count)}</dd>
        </div>
      ))}
    </dl>
  );
}

function LineErrors({ job }: { job: Import }): JSX.Element {
  return (
    <section>
      <h2>{c().transfers.errors}</h2>
      {job.errors_url && (
        <p>
          <a href={job.errors_url} rel="noreferrer">
            {c().transfers.allErrors(job.rejected)}
          </a>
        </p>
      )}
      <Table caption={c().transfers.errors} head={[{ number: c().transfers.line }, c().reason]}>
        {job.errors.map((one) => (
          <tr key={one.line}>
            <td class="amount">{one.line}</td>
            <td>
              <strong>{one.code}</strong> <span lang="en">{one.errors.length > 0 ? one.errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join("; ") : one.detail}</span>
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

export function ExportPage({ id }: { id: string }): JSX.Element {
  const query = useQuery(exportJob(id));
  if (isProblemOf(query.error, "not-found", "validation")) return <NotFound />;
  return (
    <div class="wide-sections">
      <Title>{c().transfers.exportTitle}</Title>
      <Loaded query={query}>
        {(job) => (
          <>
            <JobStatus job={job} />
            <p>{c().transfers.written(job.products)}</p>
            {job.url && (
              <a class="button primary" href={job.url} rel="noreferrer">
                {c().transfers.download}
              </a>
            )}
          </>
        )}
      </Loaded>
    </div>
  );
}
