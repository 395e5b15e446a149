import { Fragment, type JSX } from "preact";
import type { Rows } from "../core/rows.ts";
import { t } from "../core/i18n/index.ts";

/** Says that somebody else was faster, and what they have changed; null if nobody was. */
export function Changed({ rows }: { rows: Rows | null }): JSX.Element {
  return (
    <div role="status">
      {rows && (
        <div class="notice bad">
          <p>{t().changed}</p>
          <dl class="facts">
            {rows.map(([label, text]) => (
              <Fragment key={label}>
                <dt>{label}</dt>
                <dd class="description">{text || "–"}</dd>
              </Fragment>
            ))}
          </dl>
        </div>
      )}
    </div>
  );
}
