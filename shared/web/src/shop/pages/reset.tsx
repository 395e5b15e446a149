import { useMutation } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api } from "../../core/client.ts";
import { t } from "../../core/i18n/index.ts";
import { unwrap } from "../../core/problem.ts";
import { Field, Form } from "../../ui/form.tsx";
import { Title } from "../../ui/page.tsx";

/** A new password for somebody who forgot it, with a code that is mailed. */
export function ResetPage(): JSX.Element {
  const [hasCode, setHasCode] = useState(false);
  const asking = useMutation({
    mutationFn: (email: string) => unwrap(api.POST("/api/v1/users/password-reset", { body: { email } })),
    onSuccess: () => setHasCode(true),
  });
  const setting = useMutation({
    mutationFn: (body: { token: string; password: string }) => unwrap(api.POST("/api/v1/users/password-reset/confirm", { body })),
  });
  return (
    <div class="narrow">
      <Title>{t().reset.title}</Title>
      <div role="status">
        {asking.isSuccess && !setting.isSuccess && <p class="notice">{t().reset.asked}</p>}
        {setting.isSuccess && (
          <p class="notice good">
            {t().reset.done} <a href="/login">{t().login.title}</a>
          </p>
        )}
      </div>
      {!hasCode && (
        <Form
          submit={t().reset.ask}
          isBusy={asking.isPending}
          error={asking.error}
          onSubmit={(values) => asking.mutate(values["/email"]?.trim() ?? "")}
          actions={
            <button type="button" onClick={() => setHasCode(true)}>
              {t().reset.have}
            </button>
          }
        >
          <Field name="/email" label={t().register.email} type="email" autocomplete="email" required />
        </Form>
      )}
      <p class="hint">
        {t().reset.invited} <a href="/verify">{t().account.verifications.email.title}</a>
      </p>
      {hasCode && !setting.isSuccess && (
        <Form takesFocus submit={t().reset.submit} isBusy={setting.isPending} error={setting.error} onSubmit={(values) => setting.mutate({ token: values["/token"]?.trim() ?? "", password: values["/password"] ?? "" })}>
          <Field name="/token" label={t().reset.token} autocomplete="one-time-code" autocapitalize="characters" required />
          <Field name="/password" label={t().reset.password} hint={t().register.passwordHint} type="password" autocomplete="new-password" minLength={10} maxLength={128} required />
        </Form>
      )}
    </div>
  );
}
