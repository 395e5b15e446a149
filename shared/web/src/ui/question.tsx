import type { ComponentChildren, JSX } from "preact";
import { t } from "../core/i18n/index.ts";
import { Dialog } from "./dialog.tsx";

interface Props {
  /** What is asked about, which is also what the button says that does it. */
  title: string;
  text: string;
  isOpen: boolean;
  isBusy?: boolean;
  isDanger?: boolean;
  /** The button that does nothing, where "cancel" would be misread. */
  dismiss?: string | undefined;
  onConfirm: () => void;
  onClose: () => void;
  /** Between the question and its buttons. */
  children?: ComponentChildren;
}

/** A question before something that cannot be undone, or not easily. */
export function Question({ title, text, isOpen, isBusy = false, isDanger = false, dismiss = t().cancel, onConfirm, onClose, children }: Props): JSX.Element {
  // The second click of a double click on what opened the question is no answer to it.
  const confirm = ({ detail }: MouseEvent): void => {
    if (!isBusy && detail < 2) onConfirm();
  };
  return (
    <Dialog title={title} isOpen={isOpen} onClose={onClose}>
      <p>{text}</p>
      {children}
      <div class="actions">
        <button type="button" class={isDanger ? "danger" : undefined} aria-disabled={isBusy} onClick={confirm}>
          {title}
        </button>
        {/* The one that changes nothing has the focus at first. */}
        <button type="button" autofocus onClick={onClose}>
          {dismiss}
        </button>
      </div>
    </Dialog>
  );
}
