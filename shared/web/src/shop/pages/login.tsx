import type { JSX } from "preact";
import { useMutation } from "@tanstack/preact-query";
import { useEffect, useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api } from "../../core/client.ts";
import { t } from "../../core/i18n/index.ts";
import { ApiError, unwrap } from "../../core/problem.ts";
import { isSignedIn, logIn } from "../../core/session.ts";
import { Field, Form } from "../../ui/form.tsx";
import { LoginForm } from "../../ui/login-form.tsx";
import { Title } from "../../ui/page.tsx";

/** Where to go after the login: a path of the shop, never another site. */
function useNext(): string {
  const { query, path } = useLocation();
  const next = query["next"] ?? (path === "/login" || path === "/register" ? "/" : path);
  return /^\/(?![/\\])/.test(next) ? next : "/";
}

/** Also shown in place of a page that needs a login; that page follows when somebody has logged in. */
export function LoginPage(): JSX.Element {
  const { route, path } = useLocation();
  const next = useNext();
  const isIn = isSignedIn.value;
  useEffect(() => {
    if (isIn && path === "/login") route(next, true);
  }, [isIn]);
  return (
    <div class="narrow">
      <Title>{t().login.title}</Title>
      <LoginForm />
      <p>
        <a href="/password">{t().login.forgot}</a>
      </p>
      <p>
        {t().login.noAccount} <a href={`/register?next=${encodeURIComponent(next)}`}>{t().login.register}</a>
      </p>
    </div>
  );
}

export function RegisterPage(): JSX.Element {
  const { route } = useLocation();
  const next = useNext();
  const [isVisible, setVisible] = useState(false);
  const registering = useMutation({
    mutationFn: async (values: Record<string, string>) => {
      const [email = "", username = "", password = ""] = [values["/email"]?.trim(), values["/username"]?.trim(), values["/password"]];
      const full_name = values["/full_name"]?.trim() || null;
      await unwrap(api.POST("/api/v1/users/register", { body: { email, username, password, full_name } }));
      const result = await logIn({ name: email, password });
      if (result.kind === "refused") throw new ApiError(result.problem?.status ?? 0, result.problem);
    },
    onSuccess: () => route(next, true),
  });
  // The same one while it is the same failure: another one would take the focus to its field.
  const error = useMemo(() => placed(registering.error), [registering.error]);
  return (
    <div class="narrow">
      <Title>{t().register.title}</Title>
      <Form submit={t().register.submit} isBusy={registering.isPending} error={error} onSubmit={(values) => registering.mutate(values)}>
        <Field name="/email" label={t().register.email} type="email" autocomplete="email" maxLength={254} required />
        <Field name="/username" label={t().register.username} hint={t().register.usernameHint} autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={32} required />
        <Field name="/full_name" label={t().register.fullName} autocomplete="name" maxLength={200} />
        <Field name="/password" label={t().register.password} hint={t().register.passwordHint} type={isVisible ? "text" : "password"} autocomplete="new-password" minLength={10} maxLength={128} required />
        <label class="check">
          <input type="checkbox" checked={isVisible} onChange={(event) => setVisible(event.currentTarget.checked)} /> {t().register.show}
        </label>
      </Form>
      <p>
        {t().register.haveAccount} <a href={`/login?next=${encodeURIComponent(next)}`}>{t().login.title}</a>
      </p>
    </div>
  );
}

const MEMBERS: Record<string, string> = { "email-taken": "/email", "username-taken": "/username" };

/** A conflict about a member, shown at its field. */
function placed(error: Error | null): Error | null {
  const pointer = error instanceof ApiError ? MEMBERS[error.type] : undefined;
  if (!(error instanceof ApiError) || !error.problem || !pointer) return error;
  const detail = t().problems[error.type] ?? error.problem.detail;
  return new ApiError(error.status, { ...error.problem, errors: [{ pointer, detail }] });
}
