import type { ComponentChildren, JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  isOpen: boolean;
  /** Without it, the dialog stays until its own buttons close it. */
  onClose?: () => void;
  children: ComponentChildren;
}

/** A modal dialog: the browser's own, which holds the focus, makes the page behind inert, and closes with Escape or the back gesture. */
export function Dialog({ title, isOpen, onClose, children }: Props): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before anything else looks for the focus: closing gives it back to what opened the dialog.
  useLayoutEffect(() => {
    const dialog = element.current;
    if (isOpen && !dialog?.open) dialog?.showModal();
    if (!isOpen && dialog?.open) dialog.close();
  }, [isOpen]);
  // A browser lets a page prevent this once, and closes the dialog when it is asked again.
  const stay = (event: Event): void => {
    if (!onClose && event.target === element.current) event.preventDefault();
  };
  const closed = (): void => {
    if (!isOpen) return;
    if (onClose) onClose();
    else element.current?.showModal();
  };
  return (
    <dialog ref={element} aria-labelledby={id} onCancel={stay} onClose={closed}>
      {isOpen && (
        <>
          <h2 id={id}>{title}</h2>
          {children}
        </>
      )}
    </dialog>
  );
}
