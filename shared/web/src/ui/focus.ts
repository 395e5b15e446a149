// Where the focus goes when the element that has it disappears.

/**
 * Gives the focus to the heading of the part that a focused element was in when that element is removed or hidden. Browsers would leave
 * it nowhere, so that the next Tab starts at the top of the page and a screen reader says nothing. Returns what ends it.
 */
export function keepFocus(): () => void {
  // The focused element and its ancestors, innermost first.
  let trail: Element[] = [];
  const remember = ({ target }: FocusEvent): void => {
    trail = [];
    for (let element = target as Element | null; element; element = element.parentElement) trail.push(element);
  };
  const forget = ({ target }: FocusEvent): void => {
    // Some browsers tell of a removal, too, before it takes place.
    queueMicrotask(() => {
      if (trail[0] === target && trail[0]?.isConnected) trail = [];
    });
  };
  const observer = new MutationObserver(() => {
    const [last] = trail;
    const isGone = last && (last.isConnected ? last.closest("[hidden]") !== null : true);
    // What is hidden keeps the focus until the page is drawn.
    if (isGone && [document.body, last].includes(document.activeElement ?? document.body)) focusHeading(trail);
  });
  addEventListener("focusin", remember);
  addEventListener("focusout", forget);
  observer.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
  return () => {
    removeEventListener("focusin", remember);
    removeEventListener("focusout", forget);
    observer.disconnect();
  };
}

/** Headings in closed or hidden parts, or behind a dialog, cannot have the focus. */
function focusHeading(parts: readonly Element[]): void {
  for (const part of parts) {
    const heading = part.isConnected ? part.querySelector<HTMLElement>("h1, h2, h3") : null;
    if (!heading) continue;
    heading.tabIndex = -1;
    heading.focus();
    if (document.activeElement === heading) return;
  }
}
