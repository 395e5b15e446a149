// The cards that a customer has saved at the gateway, for further orders.

import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, queries, type Schemas } from "../../core/client.ts";
import { t } from "../../core/i18n/index.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { Action } from "../../ui/action.tsx";
import { Form, Saved } from "../../ui/form.tsx";
import { Loaded } from "../../ui/page.tsx";
import { savedMethods } from "../reads.ts";
import { cardName, PaymentChoices } from "./checkout.tsx";

type Card = Schemas["PaymentMethodView"];

const reload = (): Promise<void> => queries.invalidateQueries({ queryKey: ["payment-methods"] });

export function Cards(): JSX.Element {
  const query = useQuery(savedMethods());
  const save = (body: Schemas["SavePaymentMethod"], key: string): Promise<unknown> => unwrap(api.POST("/api/v1/payment-methods", { params: { header: { "Idempotency-Key": key } }, body }));
  // Outside of the list, which is another one then.
  const [told, setTold] = useState({ text: "", times: 0 });
  const tell = async (text: string): Promise<void> => {
    await reload();
    setTold(({ times }) => ({ text, times: times + 1 }));
  };
  const saving = useKeyed("POST /payment-methods", save, { onSuccess: () => tell(t().account.cardAdded) });
  return (
    <section>
      <h2>{t().account.cards}</h2>
      <Loaded query={query}>
        {(cards) =>
          cards.length === 0 ? (
            <p class="hint">{t().account.noCards}</p>
          ) : (
            <ul class="lines">
              {cards.map((card) => (
                <CardRow key={card.id} card={card} tell={tell} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <details class="box">
        <summary>{t().account.addCard}</summary>
        <Form submit={t().account.addCard} isBusy={saving.isPending} error={saving.error} onSubmit={(values) => saving.mutate({ payment_method: values["/payment_method"] ?? "" })}>
          <PaymentChoices methods={[]} legend={t().checkout.payment} />
        </Form>
      </details>
      <Saved isSaved={told.times > 0} {...told} />
    </section>
  );
}

function CardRow({ card, tell }: { card: Card; tell: (text: string) => Promise<void> }): JSX.Element {
  const name = cardName(card);
  const params = { path: { id: card.id } };
  const offer = async (): Promise<void> => {
    await unwrap(api.PUT("/api/v1/payment-methods/{id}/default", { params }));
    await tell(t().account.cardOffered(name));
  };
  const remove = async (): Promise<void> => {
    await unwrap(api.DELETE("/api/v1/payment-methods/{id}", { params }));
    await tell(t().account.cardRemoved(name));
  };
  return (
    <li class="line-of-actions">
      <p>
        {name} <span class="hint">{t().account.cardEnds(card.exp_month, card.exp_year)}</span> {card.is_default && <strong>({t().account.isDefault})</strong>}
      </p>
      <div class="actions">
        {!card.is_default && <Action label={t().account.makeDefault} about={name} run={offer} />}
        <Action label={t().account.removeCard} about={name} question={t().account.removeCardText} isDanger run={remove} />
      </div>
    </li>
  );
}
