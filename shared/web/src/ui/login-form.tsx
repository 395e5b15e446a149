import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../core/i18n/index.ts";
import { ApiError } from "../core/problem.ts";
import { isEndedElsewhere, logIn, sendCode, type LoginResult } from "../core/session.ts";
import { Field, Form } from "./form.tsx";
import { useSpoken } from "./spoken.tsx";

interface Props {
  onDone?: () => void;
  /** Gets the token with which an account that needs a second factor sets it up. */
  onEnrolment?: (token: string) => void;
  actions?: ComponentChildren;
}

/** Name and password, and the code of a second factor where the account has one. */
export function LoginForm({ onDone, onEnrolment, actions }: Props): JSX.Element {
  const [name, setName] = useState("");
  const [token, setToken] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  // The form appears together with it.
  useSpoken(isEndedElsewhere.value ? t().login.endedElsewhere : null);

  const attempt = async (request: Promise<LoginResult>): Promise<void> => {
    setBusy(true);
    setError(null);
    const result = await request;
    setBusy(false);
    if (result.kind === "done") onDone?.();
    if (result.kind === "code") setToken(result.token);
    if (result.kind === "enrolment") {
      if (onEnrolment) onEnrolment(result.token);
      else setError(new ApiError(401, result.problem));
    }
    if (result.kind === "refused") {
      const refused = new ApiError(result.problem?.status ?? 0, result.problem);
      setError(refused);
      if (refused.type === "invalid-mfa-token") setToken(null);
    }
  };

  const submit = ({ name: typed = "", password = "" }: Record<string, string>): void => {
    setName(typed);
    void attempt(logIn({ name: typed.trim(), password }));
  };

  if (token !== null) {
    return (
      <Form key="code" submit={t().login.finish} error={error} isBusy={isBusy} actions={actions} takesFocus onSubmit={({ code = "" }) => void attempt(sendCode(token, code))}>
        <Field name="code" label={t().login.code} hint={t().login.codeHint} autocomplete="one-time-code" required />
      </Form>
    );
  }
  return (
    <Form key="password" submit={t().login.submit} error={error} isBusy={isBusy} actions={actions} takesFocus={error !== null} onSubmit={submit}>
      {isEndedElsewhere.value && <p class="notice">{t().login.endedElsewhere}</p>}
      <Field name="name" label={t().login.name} autocomplete="username" autocapitalize="none" spellcheck={false} defaultValue={name} required />
      <Field name="password" label={t().login.password} type="password" autocomplete="current-password" required />
    </Form>
  );
}
