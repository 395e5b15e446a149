// Sets up a second factor: password, secret, code, recovery codes.

import { useMutation } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { api, type Schemas } from "../core/client.ts";
import { unwrap } from "../core/problem.ts";
import { Field, Form } from "./form.tsx";

interface Texts {
  password: string;
  begin: string;
  scan: string;
  open: string;
  code: string;
  confirm: string;
  codes: string;
  codesText: string;
  done: string;
}

interface Props {
  userId: string;
  /** Stands in for the access token of somebody who may not log in before. */
  enrolmentToken?: string | undefined;
  texts: Texts;
  onDone: () => void;
}

export function SecondFactor({ userId, enrolmentToken, texts, onDone }: Props): JSX.Element {
  const [secret, setSecret] = useState<Schemas["TotpView"] | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const path = { id: userId };
  const headers = enrolmentToken ? { Authorization: `Bearer ${enrolmentToken}` } : {};
  // Both return nothing: the cache of mutations would keep the secret and the codes.
  const beginning = useMutation({
    mutationFn: async (current_password: string) => setSecret(await unwrap(api.POST("/api/v1/users/{id}/totp", { params: { path }, headers, body: { current_password } }))),
  });
  const confirming = useMutation({
    mutationFn: async (code: string) => setCodes((await unwrap(api.POST("/api/v1/users/{id}/totp/confirm", { params: { path }, headers, body: { code } }))).recovery_codes),
  });
  if (codes) return <RecoveryCodes codes={codes} texts={texts} onDone={onDone} />;
  if (secret) {
    return (
      <Form key="code" takesFocus submit={texts.confirm} isBusy={confirming.isPending} error={confirming.error} onSubmit={(values) => confirming.mutate(values["/code"]?.replaceAll(" ", "") ?? "")}>
        <p>{texts.scan}</p>
        <p>
          <code>{secret.secret}</code>
        </p>
        <p>
          <a href={secret.otpauth_uri}>{texts.open}</a>
        </p>
        <Field name="/code" label={texts.code} inputMode="numeric" autocomplete="one-time-code" required />
      </Form>
    );
  }
  return (
    <Form key="password" submit={texts.begin} isBusy={beginning.isPending} error={beginning.error} onSubmit={(values) => beginning.mutate(values["/current_password"] ?? "")}>
      <Field name="/current_password" label={texts.password} type="password" autocomplete="current-password" required />
    </Form>
  );
}

export function RecoveryCodes({ codes, texts, onDone }: { codes: string[]; texts: Pick<Texts, "codes" | "codesText" | "done">; onDone: () => void }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current?.focus(), []);
  return (
    <>
      <h2 ref={heading} tabIndex={-1}>
        {texts.codes}
      </h2>
      <p>{texts.codesText}</p>
      <ul class="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <button type="button" class="primary" onClick={onDone}>
        {texts.done}
      </button>
    </>
  );
}
