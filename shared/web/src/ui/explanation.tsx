import type { JSX } from "preact";
import { explanation } from "../core/text.ts";

/** What went wrong, with what the API says of it below where the page has no text of its own. */
export function Explanation({ error }: { error: unknown }): JSX.Element {
  const { text, detail } = explanation(error);
  return (
    <>
      {text}
      {detail && (
        <small class="detail" lang="en">
          {detail}
        </small>
      )}
    </>
  );
}
