// Bars over time, drawn with SVG attributes alone, because the Content-Security-Policy refuses inline styles. Positions across are
// percentages, so that a chart fits every width without measuring it.

import type { JSX } from "preact";
import { t } from "../core/i18n/index.ts";
import { steps } from "../core/scale.ts";
import { Table } from "./list.tsx";

export interface Bar {
  /** When it begins, as a table says it. */
  time: string;
  /** Written below the bar; absent for most of them. */
  label?: string | undefined;
  value: number;
  /** The value with its unit. */
  text: string;
  /** What is special about it, in a word or two; the bar has a sign then. */
  mark?: string | undefined;
}

interface Props {
  caption: string;
  /** Heading of the times in the table. */
  time: string;
  /** What a reader of the screen hears instead of the picture. */
  summary: string;
  bars: Bar[];
  /** Writes a value of the axis. */
  format: (value: number) => string;
}

// Room for the sign of the highest bar.
const TOP = 16;
const PLOT = 160;
const HEIGHT = TOP + PLOT + 24;
// Part of its place that a bar fills.
const FILLED = 0.72;

/** A chart with its figures as a table, which everybody can open. */
export function BarChart({ caption, time, summary, bars, format }: Props): JSX.Element {
  const marks = steps(Math.max(0, ...bars.map(({ value }) => value)));
  const top = marks.at(-1) ?? 1;
  const heightOf = (value: number): number => (value / top) * PLOT;
  const mark = bars.find((bar) => bar.mark)?.mark;
  return (
    <figure class="chart">
      <figcaption>
        <h2>{caption}</h2>
      </figcaption>
      <div class="plot">
        <svg class="axis" height={HEIGHT} aria-hidden="true">
          {marks.map((mark) => (
            <text key={mark} x="100%" y={TOP + PLOT - heightOf(mark)} dy="0.32em" text-anchor="end">
              {format(mark)}
            </text>
          ))}
        </svg>
        <svg width="100%" height={HEIGHT} role="img" aria-label={`${caption}: ${summary}`}>
          {marks.map((mark) => (
            <line key={mark} x1="0" x2="100%" y1={TOP + PLOT - heightOf(mark)} y2={TOP + PLOT - heightOf(mark)} />
          ))}
          {bars.map((bar, index) => (
            <BarColumn key={bar.time} bar={bar} index={index} count={bars.length} height={heightOf(bar.value)} />
          ))}
        </svg>
      </div>
      {mark && (
        <p class="hint legend">
          <svg width="12" height="10" aria-hidden="true">
            <Sign />
          </svg>
          {mark}
        </p>
      )}
      <details>
        <summary>{t().figures}</summary>
        <Table caption={caption} head={[time, { number: caption }]}>
          {bars.map((bar) => (
            <tr key={bar.time}>
              <td>{bar.time}</td>
              <td class="amount">{sayOf(bar)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </figure>
  );
}

function BarColumn({ bar, index, count, height }: { bar: Bar; index: number; count: number; height: number }): JSX.Element {
  const place = 100 / count;
  const middle = (index + 0.5) * place;
  // Labels at the edges stay inside.
  const anchor = middle < 10 ? "start" : middle > 90 ? "end" : "middle";
  const at = anchor === "middle" ? middle : anchor === "start" ? index * place : (index + 1) * place;
  return (
    <g>
      <title>{`${bar.time}: ${sayOf(bar)}`}</title>
      <rect class="target" x={`${index * place}%`} y={TOP} width={`${place}%`} height={PLOT} />
      <rect x={`${middle - (place * FILLED) / 2}%`} y={TOP + PLOT - height} width={`${place * FILLED}%`} height={height} />
      {bar.mark && (
        <svg class="sign" x={`${middle}%`} y={TOP + PLOT - height - 13} overflow="visible">
          <g transform="translate(-6)">
            <Sign />
          </g>
        </svg>
      )}
      {bar.label && (
        <text x={`${at}%`} y={HEIGHT - 6} text-anchor={anchor}>
          {bar.label}
        </text>
      )}
    </g>
  );
}

function sayOf({ text, mark }: Bar): string {
  return mark ? `${text} (${mark})` : text;
}

/** A triangle, twelve pixels wide, ten high. */
function Sign(): JSX.Element {
  return <path class="sign" d="M0 0h12L6 10z" />;
}

/** A part of a whole as a bar. Its number stands beside it. */
export function ShareBar({ part, whole }: { part: number; whole: number }): JSX.Element {
  return (
    <svg class="share" height="6" aria-hidden="true">
      <rect width={`${whole > 0 ? (part / whole) * 100 : 0}%`} height="6" />
    </svg>
  );
}
