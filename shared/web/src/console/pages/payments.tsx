import { useInfiniteQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { moment, money } from "../../core/i18n/index.ts";
import { Paged, Table } from "../../ui/list.tsx";
import { Title } from "../../ui/page.tsx";
import { mismatches } from "../reads.ts";
import { c } from "../texts/index.ts";

/** Payments that somebody has to look at. */
export function PaymentsPage(): JSX.Element {
  const list = useInfiniteQuery(mismatches());
  return (
    <>
      <Title>{c().payments.title}</Title>
      <h2>{c().payments.mismatches}</h2>
      <p>{c().payments.text}</p>
      <Paged query={list} empty={c().payments.fine}>
        {(items) => (
          <Table caption={c().payments.mismatches} head={[c().time, c().payments.movement, { number: c().payments.asked }, { number: c().payments.answered }, c().order.transaction]}>
            {items.flatMap((payment) =>
              payment.mismatches.map((one) => (
                <tr key={one.transaction_id}>
                  <td>
                    <a href={`/console/orders/${payment.order_id}`}>{moment(one.seen_at)}</a>
                  </td>
                  <td>{one.movement}</td>
                  <td class="amount">{money(one.asked)}</td>
                  {/* The gateway's own words: neither amount nor currency need to be ones that we know. */}
                  <td class="amount">{one.answered ? `${one.answered.amount} ${one.answered.currency}` : "–"}</td>
                  <td>{one.transaction_id}</td>
                </tr>
              )),
            )}
          </Table>
        )}
      </Paged>
    </>
  );
}
