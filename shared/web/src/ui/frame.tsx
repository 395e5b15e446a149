import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { language, LANGUAGES, remember, t, type Language } from "../core/i18n/index.ts";
import { keepFocus } from "./focus.ts";
import { Spoken } from "./spoken.tsx";

/** Header with navigation, the page, and a footer with the choice of language. */
export function Frame({ name, navigation, children, home = "/" }: { name: string; navigation: ComponentChildren; children: ComponentChildren; home?: string }): JSX.Element {
  useEffect(keepFocus, []);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {t().skip}
      </a>
      <header class="top">
        <a class="brand" href={home}>
          {name}
        </a>
        <nav aria-label={t().menu}>{navigation}</nav>
      </header>
      <OfflineNotice />
      <Spoken />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <footer>
        <label>
          {t().language}{" "}
          <select value={language.value} onChange={(event) => void choose(event.currentTarget)}>
            {Object.entries(LANGUAGES).map(([tag, own]) => (
              <option key={tag} value={tag} lang={tag}>
                {own}
              </option>
            ))}
          </select>
        </label>
      </footer>
    </>
  );
}

/** The choice shows the language of the page, also if the other one could not be loaded. */
async function choose(select: HTMLSelectElement): Promise<void> {
  await remember(select.value as Language);
  select.value = language.value;
}

function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function OfflineNotice(): JSX.Element {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const update = (): void => setOnline(navigator.onLine);
    addEventListener("online", update);
    addEventListener("offline", update);
    return () => {
      removeEventListener("online", update);
      removeEventListener("offline", update);
    };
  }, []);
  return <div role="status">{!isOnline && <p class="notice offline">{t().offline}</p>}</div>;
}
