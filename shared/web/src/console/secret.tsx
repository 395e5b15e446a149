import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../core/i18n/index.ts";
import { Dialog } from "../ui/dialog.tsx";
import { c } from "./texts/index.ts";

interface Props {
  title: string;
  /** The secret; null while there is none to show. */
  value: string | null;
  onClose: () => void;
  /** What else belongs to the secret. */
  children?: ComponentChildren;
}

/** Shows a secret once, to be copied. */
export function Secret({ title, value, onClose, children }: Props): JSX.Element {
  return (
    <Dialog title={title} isOpen={value !== null} onClose={onClose}>
      <p>{c().secret.text}</p>
      {children}
      <p>
        <code>{value}</code>
      </p>
      <Copy text={value ?? ""} onClose={onClose} />
    </Dialog>
  );
}

function Copy({ text, onClose }: { text: string; onClose: () => void }): JSX.Element {
  const [outcome, setOutcome] = useState<"copied" | "failed" | null>(null);
  // The browser may refuse: without HTTPS, or because of a setting.
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      setOutcome("failed");
    }
  };
  return (
    <>
      <div role="status">
        {outcome === "copied" && <p class="hint">{c().secret.copied}</p>}
        {outcome === "failed" && <p class="error">{c().secret.failed}</p>}
      </div>
      <div class="actions">
        <button type="button" class="primary" onClick={() => void copy()}>
          {c().secret.copy}
        </button>
        <button type="button" onClick={onClose}>
          {t().close}
        </button>
      </div>
    </>
  );
}
