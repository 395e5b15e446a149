import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../../core/i18n/index.ts";
import { subjectOf } from "../../core/session.ts";
import { LoginForm } from "../../ui/login-form.tsx";
import { Title } from "../../ui/page.tsx";
import { SecondFactor } from "../../ui/second-factor.tsx";
import { c } from "../texts/index.ts";

/** The login of staff. An account that needs a second factor and has none sets it up first. */
export function ConsoleLogin(): JSX.Element {
  const [enrolment, setEnrolment] = useState<string | null>(null);
  return (
    <div class="narrow">
      <Title>{c().name}</Title>
      {enrolment === null ? (
        <>
          <LoginForm onEnrolment={setEnrolment} />
          <p>
            <a href="/password">{t().login.forgot}</a>
          </p>
        </>
      ) : (
        <>
          <p class="notice">{c().security.needed}</p>
          <SecondFactor userId={subjectOf(enrolment)} enrolmentToken={enrolment} texts={c().security} onDone={() => setEnrolment(null)} />
        </>
      )}
    </div>
  );
}
