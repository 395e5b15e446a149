import { useMutation } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { t } from "../core/i18n/index.ts";
import { logOut } from "../core/session.ts";
import { explain } from "../core/text.ts";

/** The button that ends the session, and what is wrong if it has not ended. */
export function LogOut({ isLink = false }: { isLink?: boolean }): JSX.Element {
  const leaving = useMutation({ mutationFn: logOut });
  return (
    <>
      <button type="button" class={isLink ? "link" : undefined} aria-disabled={leaving.isPending} onClick={() => leaving.isPending || leaving.mutate()}>
        {t().nav.logOut}
      </button>
      {leaving.error && (
        <span role="alert" class="error">
          {t().login.notLoggedOut} {explain(leaving.error)}
        </span>
      )}
    </>
  );
}
