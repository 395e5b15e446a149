// What is said to those who hear the page. A screen reader follows a live region that was there before its text: one that comes together
// with its text is often not heard. What appears as a whole therefore says its text in the one region of the frame.

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

/** What is over sooner is not said, as the dots of a page that loads are not shown. */
const LEAST_MS = 300;

const texts = signal<readonly string[]>([]);

/** Says a text that stays at least a moment; null says nothing. */
export function useSpoken(text: string | null): void {
  useEffect(() => {
    if (text === null) return;
    let isSaid = false;
    const timer = setTimeout(() => {
      isSaid = true;
      texts.value = [...texts.value, text];
    }, LEAST_MS);
    return () => {
      clearTimeout(timer);
      if (isSaid) texts.value = texts.value.toSpliced(texts.value.indexOf(text), 1);
    };
  }, [text]);
}

/** The region that says it, once in a page. */
export function Spoken(): JSX.Element {
  return (
    <div role="status" class="spoken">
      {[...new Set(texts.value)].map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  );
}
