// The texts of messages to customers: what they are, what they look like, and who edited them.

import { useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, queries, type Schemas } from "../../core/client.ts";
import { useEdit, type Versioned } from "../../core/edit.ts";
import { moment, t } from "../../core/i18n/index.ts";
import { unwrap } from "../../core/problem.ts";
import type { Rows } from "../../core/rows.ts";
import { caller } from "../../core/session.ts";
import { isProblemOf } from "../../core/text.ts";
import { Action } from "../../ui/action.tsx";
import { Changed } from "../../ui/changed.tsx";
import { Field, Form, Saved, TextArea } from "../../ui/form.tsx";
import { Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { MailFrame } from "../mail-frame.tsx";
import { NotFound } from "../other-pages.tsx";
import { Operator } from "../operator.tsx";
import { messageTemplate, type MessageTemplate } from "../reads.ts";
import { c } from "../texts/index.ts";

type Name = MessageTemplate["name"];
type Locale = MessageTemplate["locale"];
type Texts = Schemas["TemplateTexts"];

/** A member that the contract has and this lacks does not compile. */
const NAMES: Record<Name, true> = { order_confirmed: true, order_waiting: true, order_cancelled: true, order_shipped: true, order_delivered: true, message: true };
const LOCALES: Record<Locale, true> = { en: true, de: true };
const TEMPLATE_NAMES = Object.keys(NAMES) as Name[];
const TEMPLATE_LOCALES = Object.keys(LOCALES) as Locale[];

const nameOf = (name: Name): string => c().codes.templates[name] ?? name;
const titleOf = ({ name, locale }: { name: Name; locale: Locale }): string => `${nameOf(name)}, ${c().templates.locales[locale]}`;

export function TemplateList(): JSX.Element {
  return (
    <>
      <Title>{c().templates.title}</Title>
      <p>{c().templates.text}</p>
      <Table caption={c().templates.title} head={[c().templates.message, c().templates.language]}>
        {TEMPLATE_NAMES.map((name) => (
          <tr key={name}>
            <td>{nameOf(name)}</td>
            <td>
              {TEMPLATE_LOCALES.map((locale, index) => (
                <span key={locale}>
                  {index > 0 && " · "}
                  <a href={`/console/templates/${name}/${locale}`} aria-label={titleOf({ name, locale })}>
                    {c().templates.locales[locale]}
                  </a>
                </span>
              ))}
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}

export function TemplatePage({ name, locale }: { name: string; locale: string }): JSX.Element {
  const [known, language] = [TEMPLATE_NAMES.find((one) => one === name), TEMPLATE_LOCALES.find((one) => one === locale)];
  return known && language ? <Template key={`${known}/${language}`} name={known} locale={language} /> : <NotFound />;
}

function Template({ name, locale }: { name: Name; locale: Locale }): JSX.Element {
  const query = useQuery(messageTemplate(name, locale));
  // The version whose texts the form began with; the one that applies by default.
  const [chosen, setChosen] = useState<MessageTemplate | null>(null);
  const [round, setRound] = useState(0);
  // Whether somebody has typed what is not saved.
  const [isDraft, setDraft] = useState(false);
  if (isProblemOf(query.error, "not-found")) return <NotFound />;
  const begin = (from: MessageTemplate | null): void => {
    setChosen(from);
    setDraft(false);
  };
  const show = (version: MessageTemplate): void => {
    begin(version);
    setRound((before) => before + 1);
  };
  return (
    <Loaded query={query} isPage>
      {({ data, tag }) => (
        <div class="wide-sections">
          <Title>{titleOf(data)}</Title>
          <p>{data.built_in ? c().templates.isBuiltIn : c().templates.isEdited(data.version)}</p>
          <Editor key={round} current={{ data, tag }} chosen={chosen} onDraft={() => setDraft(true)} onSaved={() => begin(null)} />
          <Versions template={data} isDraft={isDraft} show={show} />
        </div>
      )}
    </Loaded>
  );
}

const FORMS = ["subject", "txt", "html", "short"] as const;

const rowsOf = (texts: MessageTemplate): Rows => FORMS.map((form) => [c().templates[form], texts[form]]);

function textsOf(values: Record<string, string>): Texts {
  const [subject = "", txt = "", html = "", short = ""] = ["/subject", "/txt", "/html", "/short"].map((field) => values[field]?.replaceAll("\r\n", "\n"));
  return { subject, txt, html, short };
}

interface EditorProps {
  current: Versioned<MessageTemplate>;
  /** The version whose texts stand in place of the current ones, if somebody has chosen one. */
  chosen: MessageTemplate | null;
  onDraft: () => void;
  onSaved: () => void;
}

function Editor({ current, chosen, onDraft, onSaved }: EditorProps): JSX.Element {
  const { name, locale } = current.data;
  const path = { name, locale };
  const isAdmin = caller.value?.role === "admin";
  const previewing = useMutation({ mutationFn: (body: Texts) => unwrap(api.POST("/api/v1/message-templates/{name}/{locale}/preview", { params: { path }, body })) });
  const edit = useEdit({
    current,
    read: () => queries.fetchQuery({ ...messageTemplate(name, locale), staleTime: 0 }),
    send: (body: Schemas["UpdateMessageTemplate"], { tag }) => unwrap(api.PUT("/api/v1/message-templates/{name}/{locale}", { params: { path, header: { "If-Match": tag } }, body })),
    reload: async () => {
      await queries.invalidateQueries({ queryKey: ["message-template", name, locale] });
      onSaved();
    },
    rows: rowsOf,
  });
  const begun = chosen ?? edit.data;
  const preview = (values: Record<string, string>): void => {
    edit.forget();
    previewing.mutate(textsOf(values));
  };
  const save = (values: Record<string, string>): void => {
    previewing.reset();
    const texts = textsOf(values);
    const isBuiltIn = begun.built_in && FORMS.every((form) => texts[form] === begun[form]);
    edit.save({ ...(isBuiltIn ? { subject: null, txt: null, html: null, short: null } : texts), reason: values["/reason"]?.trim() ?? "" });
  };
  return (
    <section>
      <h2>{c().templates.texts}</h2>
      {chosen && <p class="notice">{c().templates.chosen(begun.version)}</p>}
      <Changed rows={edit.changed} />
      <Form
        version={edit.form.version}
        submit={isAdmin ? t().save : c().templates.preview}
        isBusy={isAdmin ? edit.form.isBusy : previewing.isPending}
        error={edit.form.error ?? previewing.error}
        onEdit={() => {
          edit.form.onEdit();
          onDraft();
        }}
        onSubmit={isAdmin ? save : preview}
        takesFocus={chosen !== null}
        actions={isAdmin && <PreviewButton isBusy={previewing.isPending || edit.form.isBusy} preview={preview} />}
      >
        <TextFields texts={begun} />
        {isAdmin && <Field name="/reason" label={c().reason} hint={c().templates.reasonHint} maxLength={500} required />}
      </Form>
      <Saved isSaved={edit.isSaved || previewing.isSuccess} text={previewing.isSuccess ? c().templates.previewed : t().saved} />
      {previewing.data && <Preview texts={previewing.data} name={`${name}.${locale}.html`} />}
    </section>
  );
}

/** Shows what the form has, which is not sent by it. */
function PreviewButton({ isBusy, preview }: { isBusy: boolean; preview: (values: Record<string, string>) => void }): JSX.Element {
  const previewOf = (form: HTMLFormElement | null): void => {
    if (form && !isBusy) preview(Object.fromEntries([...new FormData(form)].map(([field, value]) => [field, String(value)])));
  };
  return (
    <button type="button" aria-disabled={isBusy} onClick={(event) => previewOf(event.currentTarget.form)}>
      {c().templates.preview}
    </button>
  );
}

function TextFields({ texts }: { texts: Texts }): JSX.Element {
  return (
    <>
      <Field name="/subject" label={c().templates.subject} hint={c().templates.hint} maxLength={300} defaultValue={texts.subject} class="code" spellcheck={false} required />
      <TextArea name="/txt" label={c().templates.txt} rows={12} maxLength={20_000} defaultValue={texts.txt} class="code" spellcheck={false} required />
      <TextArea name="/html" label={c().templates.html} hint={c().templates.htmlHint} rows={16} maxLength={60_000} defaultValue={texts.html} class="code" spellcheck={false} required />
      <TextArea name="/short" label={c().templates.short} rows={3} maxLength={2_000} defaultValue={texts.short} class="code" spellcheck={false} required />
    </>
  );
}

function Preview({ texts, name }: { texts: Schemas["TemplatePreviewView"]; name: string }): JSX.Element {
  const save = (): void => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([texts.html], { type: "text/html" })), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <div class="box">
      <h3>{c().templates.previewTitle}</h3>
      <dl>
        <dt>{c().templates.subject}</dt>
        <dd>{texts.subject}</dd>
        <dt>{c().templates.txt}</dt>
        <dd>
          <pre>{texts.txt}</pre>
        </dd>
        <dt>{c().templates.short}</dt>
        <dd>
          <pre>{texts.short}</pre>
        </dd>
        <dt>{c().templates.html}</dt>
        <dd>
          <MailFrame html={texts.html} title={c().templates.htmlPreview} />
          <p class="hint">{c().templates.htmlPreviewHint}</p>
        </dd>
      </dl>
      <details>
        <summary>{c().templates.source}</summary>
        <pre>{texts.html}</pre>
      </details>
      <button type="button" onClick={save}>
        {c().templates.download}
      </button>
    </div>
  );
}

interface VersionsProps {
  template: MessageTemplate;
  /** Whether the form has something that would be replaced. */
  isDraft: boolean;
  /** Puts the texts of a version into the form. */
  show: (version: MessageTemplate) => void;
}

function Versions({ template, isDraft, show }: VersionsProps): JSX.Element {
  const isAdmin = caller.value?.role === "admin";
  const again = (version: number) => ({
    question: isDraft ? c().templates.replaceText : undefined,
    run: async () => (await queries.fetchQuery(messageTemplate(template.name, template.locale, version))).data,
    // When the question is closed, which gives the focus back, the form takes it.
    onDone: (data: MessageTemplate) => void Promise.resolve().then(() => show(data)),
  });
  return (
    <section>
      <h2>{c().templates.versions}</h2>
      {template.versions.length === 0 ? (
        <p class="empty">{c().templates.none}</p>
      ) : (
        <Table caption={c().templates.versions} head={[{ number: c().templates.version }, c().time, c().templates.who, c().reason, c().actions]}>
          {template.versions.map((one) => (
            <tr key={one.version}>
              <td class="amount">{one.version}</td>
              <td>{moment(one.edited_at)}</td>
              <td>
                <Operator id={one.edited_by} />
              </td>
              <td>
                {one.reason}
                {one.built_in && ` (${c().templates.builtIn})`}
              </td>
              <td>{isAdmin && <Action label={c().templates.again} about={String(one.version)} {...again(one.version)} />}</td>
            </tr>
          ))}
        </Table>
      )}
      {isAdmin && template.version > 0 && !template.built_in && <Action label={c().templates.againBuiltIn} {...again(0)} />}
    </section>
  );
}
