import { useMutation } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api } from "../../core/client.ts";
import { t } from "../../core/i18n/index.ts";
import { unwrap } from "../../core/problem.ts";
import { Field, Form } from "../../ui/form.tsx";
import { Title } from "../../ui/page.tsx";

interface Chosen {
  token: string;
  password: string;
}

/** A new password for somebody who forgot it, with a code that is mailed. */
export function ResetPage(): JSX.Element {
  const [hasCode, setHasCode] = useState(false);
  // Whether somebody has gone back from the form with the code, because it did not arrive or has expired.
  const [isBack, setBack] = useState(false);
  const [email, setEmail] = useState("");
  const asking = useMutation({
    mutationFn: (to: string) => unwrap(api.POST("/api/v1/users/password-reset", { body: { email: to } })),
    onSuccess: () => setHasCode(true),
  });
  const setting = useMutation({
    mutationFn: (body: Chosen) => unwrap(api.POST("/api/v1/users/password-reset/confirm", { body })),
  });
  const back = (): void => {
    setEmail(asking.variables ?? "");
    if (!asking.isPending) asking.reset();
    setting.reset();
    setBack(true);
    setHasCode(false);
  };
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
          takesFocus={isBack}
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
          <Field name="/email" label={t().register.email} type="email" autocomplete="email" defaultValue={email} required />
        </Form>
      )}
      <p class="hint">
        {t().reset.invited} <a href="/verify">{t().account.verifications.email.title}</a>
      </p>
      {hasCode && !setting.isSuccess && (
        <NewPassword isBusy={setting.isPending} error={setting.error} onSubmit={(body) => setting.mutate(body)} onBack={back} />
      )}
    </div>
  );
}

interface NewPasswordProps {
  isBusy: boolean;
  error: unknown;
  onSubmit: (chosen: Chosen) => void;
  onBack: () => void;
}

function NewPassword({ isBusy, error, onSubmit, onBack }: NewPasswordProps): JSX.Element {
  return (
    <Form
      takesFocus
      submit={t().reset.submit}
      isBusy={isBusy}
      error={error}
      onSubmit={(values) => onSubmit({ token: values["/token"]?.trim() ?? "", password: values["/password"] ?? "" })}
      actions={
        <button type="button" aria-disabled={isBusy} onClick={() => isBusy || onBack()}>
          {t().reset.again}
        </button>
      }
    >
      <Field name="/token" label={t().reset.token} autocomplete="one-time-code" autocapitalize="characters" required />
      <Field name="/password" label={t().reset.password} hint={t().register.passwordHint} type="password" autocomplete="new-password" minLength={10} maxLength={128} required />
    </Form>
  );
}
