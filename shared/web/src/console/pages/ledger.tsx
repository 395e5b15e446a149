// What the ledger has of a period, and how it differs from the statement of the gateway.

import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useLocation } from "preact-iso";
import { now } from "../../core/clock.ts";
import type { Schemas } from "../../core/client.ts";
import { momentInZone, money, number, type Money } from "../../core/i18n/index.ts";
import { Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { daysOf, refusals } from "../days.ts";
import { Period } from "../period.tsx";
import { ledger } from "../reads.ts";
import { c } from "../texts/index.ts";

type Report = Schemas["LedgerView"];

export function LedgerPage(): JSX.Element {
  const { query: parameters } = useLocation();
  const days = daysOf(parameters["from"] ?? "", parameters["to"] ?? "", now());
  const isRefused = refusals(days.from, days.to).size > 0;
  const query = useQuery({ ...ledger(days), enabled: !isRefused });
  return (
    <div class="wide-sections">
      <Title>{c().ledger.title}</Title>
      <Period days={days} path="/console/ledger" />
      {!isRefused && (
        <Loaded query={query}>
          {(report) => (
            <>
              <Accounts report={report} />
              <Transfers report={report} />
              <Reconciliation report={report} />
            </>
          )}
        </Loaded>
      )}
    </div>
  );
}

function Accounts({ report: { accounts } }: { report: Report }): JSX.Element {
  const { account, accountNames, debits, credits, balance } = c().ledger;
  if (accounts.length === 0) return <p class="empty">{c().ledger.empty}</p>;
  return (
    <Table caption={c().ledger.accounts} head={[account, { number: debits }, { number: credits }, { number: balance }]}>
      {accounts.map((one) => (
        <tr key={`${one.account} ${one.debits.currency}`}>
          <td>{accountNames[one.account] ?? one.account}</td>
          <td class="amount">{money(one.debits)}</td>
          <td class="amount">{money(one.credits)}</td>
          <td class="amount">{money({ amount: one.debits.amount - one.credits.amount, currency: one.debits.currency })}</td>
        </tr>
      ))}
    </Table>
  );
}

function Transfers({ report: { transfers } }: { report: Report }): JSX.Element | null {
  const { purpose, purposes, count, amount } = c().ledger;
  if (transfers.length === 0) return null;
  return (
    <Table caption={c().ledger.transfers} head={[purpose, { number: count }, { number: amount }]}>
      {transfers.map((one) => (
        <tr key={`${one.purpose} ${one.amount.currency}`}>
          <td>{purposes[one.purpose] ?? one.purpose}</td>
          <td class="amount">{number(one.count)}</td>
          <td class="amount">{money(one.amount)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Reconciliation({ report: { read_until, compared_at, discrepancies } }: { report: Report }): JSX.Element {
  const { reference, purpose, purposes, kind, kinds, inLedger, atGateway } = c().ledger;
  const amountOf = (amount: Money | null): string => (amount ? money(amount) : "–");
  return (
    <section>
      <h2>{c().ledger.reconciliation}</h2>
      <p>
        {read_until ? c().ledger.readUntil(momentInZone(read_until)) : c().ledger.notRead} {compared_at && c().ledger.comparedAt(momentInZone(compared_at))}
      </p>
      {discrepancies.length === 0 ? (
        read_until && <p>{c().ledger.agrees}</p>
      ) : (
        <Table caption={c().ledger.discrepancies} head={[reference, purpose, kind, { number: inLedger }, { number: atGateway }]}>
          {discrepancies.map((one) => (
            <tr key={`${one.reference} ${one.purpose}`}>
              <td>{one.reference}</td>
              <td>{purposes[one.purpose] ?? one.purpose}</td>
              <td>{kinds[one.kind] ?? one.kind}</td>
              <td class="amount">{amountOf(one.ledger_amount ?? null)}</td>
              <td class="amount">{amountOf(one.gateway_amount ?? null)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
