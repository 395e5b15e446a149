import { useMutation } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { api } from "../../core/client.ts";
import { t } from "../../core/i18n/index.ts";
import { unwrap } from "../../core/problem.ts";
import { Field, Form } from "../../ui/form.tsx";
import { Title } from "../../ui/page.tsx";

/** Verifies an address with a mailed code, also for somebody who has no password yet. */
export function VerifyPage(): JSX.Element {
  const verifying = useMutation({ mutationFn: (token: string) => unwrap(api.POST("/api/v1/users/verify", { body: { token } })) });
  return (
    <div class="narrow">
      <Title>{t().account.verifications.email.title}</Title>
      {!verifying.isSuccess && (
        <Form submit={t().account.verify} isBusy={verifying.isPending} error={verifying.error} onSubmit={(values) => verifying.mutate(values["/token"]?.trim() ?? "")}>
          <Field name="/token" label={t().account.verifyCode} autocomplete="one-time-code" autocapitalize="characters" spellcheck={false} required />
        </Form>
      )}
      <div role="status">
        {verifying.isSuccess && (
          <p class="notice good">
            {t().account.verifications.email.done} <a href="/password">{t().reset.title}</a>, <a href="/login">{t().login.title}</a>
          </p>
        )}
      </div>
    </div>
  );
}
