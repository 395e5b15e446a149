import type { JSX } from "preact";
import { t } from "../core/i18n/index.ts";
import { dropSession, isExpired } from "../core/session.ts";
import { Dialog } from "./dialog.tsx";
import { LoginForm } from "./login-form.tsx";

/** Asks for the password over a page whose session has ended; the request that found out is then repeated. Escape would lose what was typed. */
export function ExpiredSession(): JSX.Element {
  const leave = (
    <button type="button" onClick={dropSession}>
      {t().login.leave}
    </button>
  );
  return (
    <Dialog title={t().login.expiredTitle} isOpen={isExpired.value}>
      <p>{t().login.expiredText}</p>
      <LoginForm actions={leave} />
    </Dialog>
  );
}
