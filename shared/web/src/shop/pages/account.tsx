// What a person can see and change about the account.

import { useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { api, queries, type Schemas } from "../../core/client.ts";
import { useEdit, type Versioned } from "../../core/edit.ts";
import { download } from "../../core/export.ts";
import { language, LANGUAGES, moment, t } from "../../core/i18n/index.ts";
import { unwrap } from "../../core/problem.ts";
import type { Rows } from "../../core/rows.ts";
import { dropSession, caller, isSignedIn } from "../../core/session.ts";
import { isProblemOf } from "../../core/text.ts";
import { Action } from "../../ui/action.tsx";
import { AddressFields, addressOf } from "../../ui/address-fields.tsx";
import { Changed } from "../../ui/changed.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Field, Form, Saved, Select } from "../../ui/form.tsx";
import { LogOut } from "../../ui/log-out.tsx";
import { Failed, Loaded, Title } from "../../ui/page.tsx";
import { profile } from "../reads.ts";
import { Cards } from "./cards.tsx";
import { LoginPage } from "./login.tsx";

type User = Schemas["UserView"];

export function AccountPage(): JSX.Element {
  const [isErased, setErased] = useState(false);
  if (isErased) return <Title>{t().account.erased}</Title>;
  return isSignedIn.value ? <Account id={caller.value?.id ?? ""} onErased={() => setErased(true)} /> : <LoginPage />;
}

function Account({ id, onErased }: { id: string; onErased: () => void }): JSX.Element {
  const query = useQuery(profile(id));
  return (
    <>
      <Title>{t().account.title}</Title>
      <Loaded query={query}>
        {({ data: user, tag }) => (
          <div class="sections">
            <p class="actions">
              <span>{user.full_name ?? user.username}</span>
              <LogOut />
            </p>
            {KINDS.filter((kind) => user[kind]).map((kind) => <Verification key={`${kind} ${user[kind]}`} kind={kind} user={user} />)}
            <Profile current={{ data: user, tag }} />
            {user.role === "customer" && <Messages user={user} />}
            {user.role === "customer" && <Cards />}
            <Password user={user} />
            <Sessions user={user} />
            <PersonalData user={user} onErased={onErased} />
          </div>
        )}
      </Loaded>
    </>
  );
}

const KINDS = ["email", "phone"] as const;

/** The code that shows whose an address or a number is: messages go to verified ones only. */
function Verification({ kind, user }: { kind: Schemas["ContactKind"]; user: User }): JSX.Element {
  const path = { id: user.id };
  const isVerified = kind === "email" ? user.email_verified : user.phone_verified;
  const { title, text, send: label, done } = t().account.verifications[kind];
  const sending = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/users/{id}/verification", { params: { path }, body: { channel: kind } })),
    onError: (error) => isProblemOf(error, "already-verified") && queries.invalidateQueries({ queryKey: ["user", user.id] }),
  });
  const verifying = useMutation({
    mutationFn: (token: string) => unwrap(api.POST("/api/v1/users/verify", { body: { token } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["user", user.id] }),
  });
  const isKnown = isProblemOf(sending.error, "already-verified");
  // What is shown is what was tried last: one at a time.
  const isBusy = sending.isPending || verifying.isPending;
  const send = (): void => {
    if (isBusy) return;
    verifying.reset();
    sending.mutate();
  };
  const verify = (values: Record<string, string>): void => {
    sending.reset();
    verifying.mutate(values["/token"]?.trim() ?? "");
  };
  return (
    <>
      {!isVerified && (
        <section class="box">
          <h2>{title}</h2>
          <p>{text}</p>
          <Form
            submit={t().account.verify}
            isBusy={isBusy}
            error={verifying.error ?? (isKnown ? null : sending.error)}
            onSubmit={verify}
            actions={
              <button type="button" aria-disabled={isBusy} onClick={send}>
                {label}
              </button>
            }
          >
            <Field name="/token" label={t().account.verifyCode} autocomplete="one-time-code" autocapitalize="characters" spellcheck={false} required />
          </Form>
          <div role="status">{sending.isSuccess && <p class="notice">{t().account.sent}</p>}</div>
        </section>
      )}
      <Saved isSaved={verifying.isSuccess || isKnown} text={done} />
    </>
  );
}

const rowsOf = ({ full_name: name, username, email, phone, address }: User): Rows => [
  [t().register.fullName, name ?? ""],
  [t().register.username, username],
  [t().register.email, email],
  [t().account.phone, phone ?? ""],
  [t().checkout.address, address ? Object.values(address).filter(Boolean).join(", ") : ""],
];

function Profile({ current }: { current: Versioned<User> }): JSX.Element {
  const { id } = current.data;
  const { data: user, changed, form, save, isSaved } = useEdit({
    current,
    read: () => queries.fetchQuery({ ...profile(id), staleTime: 0 }),
    send: (values: Record<string, string>, { tag }) => {
      const text = (name: string): string | null => values[name]?.trim() || null;
      const body = {
        email: text("/email") ?? "",
        username: text("/username") ?? "",
        full_name: text("/full_name"),
        phone: text("/phone"),
        address: addressOf(values, "/address"),
        current_password: values["/current_password"] || null,
      };
      return unwrap(api.PUT("/api/v1/users/{id}", { params: { path: { id }, header: { "If-Match": tag } }, body }));
    },
    reload: () => queries.invalidateQueries({ queryKey: ["user", id] }),
    rows: rowsOf,
  });
  return (
    <section>
      <h2>{t().account.profile}</h2>
      <Changed rows={changed} />
      <Form {...form} submit={t().save} onSubmit={(values) => save(values)}>
        <Field name="/full_name" label={t().register.fullName} autocomplete="name" maxLength={200} defaultValue={user.full_name ?? ""} />
        <Field name="/username" label={t().register.username} autocomplete="username" maxLength={32} defaultValue={user.username} required />
        <Field
          name="/email"
          label={`${t().register.email} (${user.email_verified ? t().account.verified : t().account.unverified})`}
          type="email"
          autocomplete="email"
          maxLength={254}
          defaultValue={user.email}
          required
        />
        <Field name="/current_password" label={t().account.currentPassword} hint={t().account.currentPasswordHint} type="password" autocomplete="current-password" />
        <Field name="/phone" label={t().account.phone} hint={t().account.phoneHint} type="tel" autocomplete="tel" maxLength={16} defaultValue={user.phone ?? ""} />
        <fieldset>
          <legend>{t().checkout.address}</legend>
          <AddressFields pointer="/address" initial={user.address} isOptional />
        </fieldset>
      </Form>
      <Saved isSaved={isSaved} />
    </section>
  );
}

function Messages({ user }: { user: User }): JSX.Element {
  const path = { id: user.id };
  const query = useQuery({ queryKey: ["preferences", user.id], queryFn: ({ signal }) => unwrap(api.GET("/api/v1/users/{id}/preferences", { params: { path }, signal })) });
  return (
    <section>
      <h2>{t().account.messages}</h2>
      <Loaded query={query}>{(preferences) => <Preferences user={user} initial={preferences} />}</Loaded>
    </section>
  );
}

const CHANNELS = ["email", "sms", "push"] as const;

function Preferences({ user, initial }: { user: User; initial: Schemas["PreferencesView"] }): JSX.Element {
  const saving = useMutation({
    mutationFn: (values: Record<string, string>) => {
      const channels = CHANNELS.filter((channel) => values[`channel-${channel}`]);
      const locale = (values["/locale"] ?? "en") as Schemas["Locale"];
      return unwrap(api.PUT("/api/v1/users/{id}/preferences", { params: { path: { id: user.id } }, body: { channels, locale } }));
    },
    onSuccess: (saved) => queries.setQueryData(["preferences", user.id], saved),
  });
  return (
    <>
      <Form submit={t().save} isBusy={saving.isPending} error={saving.error} onSubmit={(values) => saving.mutate(values)}>
        <fieldset class="choices">
          <legend>{t().account.channelsLegend}</legend>
          {CHANNELS.map((channel) => (
            <label key={channel}>
              <input type="checkbox" name={`channel-${channel}`} defaultChecked={initial.channels.includes(channel)} /> {t().account.channels[channel]}
            </label>
          ))}
        </fieldset>
        <Select name="/locale" label={t().account.messageLanguage} required>
          {Object.entries(LANGUAGES).map(([tag, name]) => (
            <option key={tag} value={tag} lang={tag} selected={tag === initial.locale}>
              {name}
            </option>
          ))}
        </Select>
      </Form>
      <Saved isSaved={saving.isSuccess} />
    </>
  );
}

function Password({ user }: { user: User }): JSX.Element {
  const [version, setVersion] = useState(0);
  const changing = useMutation({
    mutationFn: (values: Record<string, string>) => {
      const body = { current_password: values["/current_password"] ?? "", password: values["/password"] ?? "" };
      return unwrap(api.POST("/api/v1/users/{id}/password", { params: { path: { id: user.id } }, body }));
    },
    onSuccess: () => setVersion((before) => before + 1),
  });
  return (
    <section>
      <h2>{t().account.password}</h2>
      <Form version={version} submit={t().account.changePassword} isBusy={changing.isPending} error={changing.error} onSubmit={(values) => changing.mutate(values)}>
        <input type="text" name="username" autocomplete="username" defaultValue={user.username} hidden readOnly />
        <Field name="/current_password" label={t().account.oldPassword} type="password" autocomplete="current-password" required />
        <Field name="/password" label={t().account.newPassword} hint={t().register.passwordHint} type="password" autocomplete="new-password" minLength={10} maxLength={128} required />
      </Form>
      <Saved isSaved={changing.isSuccess} text={t().account.passwordChanged} />
    </section>
  );
}

function Sessions({ user }: { user: User }): JSX.Element {
  const path = { id: user.id };
  const query = useQuery({
    queryKey: ["sessions", user.id],
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/users/{id}/sessions", { params: { path, query: { limit: 50 } }, signal }))).items,
  });
  const ending = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/users/{id}/sessions", { params: { path } })),
    onSuccess: dropSession,
  });
  const heading = useRef<HTMLHeadingElement>(null);
  const endingOne = useMutation({
    mutationFn: (session_id: string) => unwrap(api.DELETE("/api/v1/users/{id}/sessions/{session_id}", { params: { path: { ...path, session_id } } })),
    // The button that had the focus is gone with its session.
    onSuccess: () => heading.current?.focus(),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sessions", user.id] }),
  });
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        {t().account.sessions}
      </h2>
      <Loaded query={query}>
        {(sessions) => (
          <ul>
            {sessions.map((one) => (
              <li key={one.id}>
                {t().account.sessionSince} <time dateTime={one.created_at}>{moment(one.created_at)}</time>, {t().account.sessionUsed.toLocaleLowerCase(language.value)} {moment(one.refreshed_at)}
                {one.is_current ? (
                  <strong> ({t().account.current})</strong>
                ) : (
                  <>
                    {" "}
                    <button
                      type="button"
                      aria-label={`${t().account.endOne}: ${moment(one.created_at)}`}
                      aria-disabled={endingOne.isPending}
                      onClick={() => endingOne.isPending || endingOne.mutate(one.id)}
                    >
                      {t().account.endOne}
                    </button>
                  </>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {endingOne.error && <Failed error={endingOne.error} />}
      <Saved isSaved={endingOne.isSuccess} text={t().account.oneEnded} />
      <p class="hint">{t().account.endAllText}</p>
      {ending.error && <Failed error={ending.error} />}
      <button type="button" aria-disabled={ending.isPending} onClick={() => ending.isPending || ending.mutate()}>
        {t().account.endAll}
      </button>
    </section>
  );
}

function PersonalData({ user, onErased }: { user: User; onErased: () => void }): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const erasing = useMutation({
    mutationFn: (current_password: string) => unwrap(api.POST("/api/v1/users/{id}/erasure", { params: { path: { id: user.id } }, body: { current_password } })),
    onSuccess: () => {
      onErased();
      dropSession();
    },
  });
  const ask = (): void => {
    if (!erasing.isPending) erasing.reset();
    setAsking(true);
  };
  return (
    <section>
      <h2>{t().account.data}</h2>
      <div class="actions">
        <Action label={t().account.export} run={() => download(user.id)} />
        <button type="button" class="danger" onClick={ask}>
          {t().account.erase}
        </button>
      </div>
      <Dialog title={t().account.erase} isOpen={isAsking} onClose={() => setAsking(false)}>
        <p>{t().account.eraseText}</p>
        <Form
          submit={t().account.eraseConfirm}
          isBusy={erasing.isPending}
          error={erasing.error}
          onSubmit={(values) => erasing.mutate(values["/current_password"] ?? "")}
          actions={
            <button type="button" onClick={() => setAsking(false)}>
              {t().cancel}
            </button>
          }
        >
          <Field name="/current_password" label={t().account.currentPassword} type="password" autocomplete="current-password" required />
        </Form>
      </Dialog>
    </section>
  );
}
