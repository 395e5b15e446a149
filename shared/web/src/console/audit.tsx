// What operators did and what staff changed: who, what, why, and the result.

import { useInfiniteQuery } from "@tanstack/preact-query";
import { Fragment, type JSX } from "preact";
import type { Schemas } from "../core/client.ts";
import { momentInSeconds, number, t, type Money } from "../core/i18n/index.ts";
import { Paged, Table } from "../ui/list.tsx";
import { Operator } from "./operator.tsx";
import { isAccount, memberOf, pathOf, rowsOf, wordsOf } from "./outcomes.ts";
import { audit } from "./reads.ts";
import { stated } from "./stated.ts";
import { c } from "./texts/index.ts";

type Entry = Schemas["OperatorActionView"];

export function Audit(): JSX.Element {
  const list = useInfiniteQuery(audit());
  return (
    <section>
      <h2>{c().operations.audit}</h2>
      <Paged query={list} empty={c().none}>
        {(items) => (
          <Table caption={c().operations.audit} head={[c().time, c().operations.who, c().operations.action, c().operations.target, c().reason, c().operations.outcome]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>{momentInSeconds(one.at)}</td>
                <td>
                  <Operator id={one.operator_id} /> {one.operator_role && <span class="hint">{c().codes.roles[one.operator_role] ?? one.operator_role}</span>}
                </td>
                <td>{c().codes.actions[one.action] ?? c().audit.events[one.action] ?? one.action}</td>
                <td>
                  <Target entry={one} />
                </td>
                <td>{one.reason ?? "–"}</td>
                <td>
                  <Outcome entry={one} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </section>
  );
}

/** What an entry is about: a consumer, an order, or what else was changed, with what it is. */
function Target({ entry: { action, operator_role, order_id, target } }: { entry: Entry }): JSX.Element {
  if (action === "refused") return <>{target}</>;
  if (operator_role === null) return <a href={`/console/operations/${target}`}>{target}</a>;
  const [name, id] = order_id === null ? [memberOf(action), target] : ["order_id", order_id];
  return (
    <>
      {c().audit.members[name]} <Value name={name} value={id} />
    </>
  );
}

function Outcome({ entry }: { entry: Entry }): JSX.Element {
  const rows = rowsOf(entry);
  if (rows === null) return <span class="error">{c().audit.unfinished}</span>;
  return rows.length === 0 ? <>–</> : <Members rows={rows} />;
}

function Members({ rows }: { rows: [string, unknown][] }): JSX.Element {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{c().audit.members[name] ?? wordsOf(name)}</dt>
          <dd>
            <Value name={name} value={value} />
          </dd>
        </Fragment>
      ))}
    </dl>
  );
}

function isMoney(value: object): value is Money {
  return "amount" in value && "currency" in value && typeof value.amount === "number" && typeof value.currency === "string";
}

function Value({ name, value }: { name: string; value: unknown }): JSX.Element {
  if (value === null || value === undefined || value === "") return <>–</>;
  if (typeof value === "number") return <>{number(value)}</>;
  if (typeof value === "boolean") return <>{value ? t().yes : t().no}</>;
  if (typeof value === "string") return <Text name={name} text={value} />;
  if (Array.isArray(value)) return <Items name={name} items={value} />;
  return isMoney(value) ? <>{stated(value)}</> : <Members rows={Object.entries(value)} />;
}

function Items({ name, items }: { name: string; items: unknown[] }): JSX.Element {
  if (items.length === 0) return <>–</>;
  return (
    <ul class="plain">
      {items.map((item, index) => (
        <li key={index}>
          <Value name={name} value={item} />
        </li>
      ))}
    </ul>
  );
}

/** A text of an event: an id, a time or a code. */
function Text({ name, text }: { name: string; text: string }): JSX.Element {
  if (isAccount(name)) return <Operator id={text} />;
  const path = pathOf(name, text);
  if (path) return <a href={path}>{text}</a>;
  if (name.endsWith("_at")) return <>{momentInSeconds(text)}</>;
  return <>{codesOf(name)[text] ?? text}</>;
}

/** The words of a member's codes. */
function codesOf(name: string): Record<string, string> {
  const { accountStatuses, channels, orderReasons, roles, templates } = c().codes;
  const codes: Record<string, Record<string, string>> = {
    reason: { ...c().products.reasons, ...c().order.refundReasons, ...orderReasons },
    status: accountStatuses,
    role: roles,
    channel: channels,
    template: templates,
    verdict: c().payments.verdicts,
  };
  return codes[name] ?? {};
}
