import type { ComponentType, JSX } from "preact";
import { lazy } from "preact-iso";
import { t } from "../core/i18n/index.ts";
import { Title } from "./page.tsx";

/** A page whose script is read when somebody opens it. Without it, which may be gone with a new version, a link would do nothing. */
export function lazyPage<P>(load: () => Promise<ComponentType<P>>) {
  return lazy(() => load().catch(load).catch(() => NotLoaded as ComponentType<P>));
}

function NotLoaded(): JSX.Element {
  return (
    <>
      <Title>{t().failedTitle}</Title>
      <div role="alert" class="failed">
        <p>{t().notLoaded}</p>
        <button type="button" onClick={() => location.reload()}>
          {t().reload}
        </button>
      </div>
    </>
  );
}
