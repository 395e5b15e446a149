import { useMutation } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, type Schemas } from "../core/client.ts";
import { t } from "../core/i18n/index.ts";
import { unwrap } from "../core/problem.ts";
import { AddressFields, addressOf } from "./address-fields.tsx";
import { Dialog } from "./dialog.tsx";
import { Form } from "./form.tsx";

interface Props {
  order: Schemas["OrderView"];
  tag: string;
  onChanged: () => Promise<unknown>;
}

/** Sends an order to another address of the same country and region, before it is shipped. */
export function ChangeAddress({ order, tag, onChanged }: Props): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const changing = useMutation({
    mutationFn: (body: Schemas["Address"]) => unwrap(api.PUT("/api/v1/orders/{id}/shipping-address", { params: { path: { id: order.id }, header: { "If-Match": tag } }, body })),
    onSuccess: () => setOpen(false),
    onSettled: onChanged,
  });
  const open = (): void => {
    if (!changing.isPending) changing.reset();
    setOpen(true);
  };
  const submit = (values: Record<string, string>): void => {
    const address = addressOf(values, "");
    if (address) changing.mutate(address);
  };
  return (
    <>
      <p>
        <button type="button" class="link" onClick={open}>
          {t().order.changeAddress}
        </button>
      </p>
      <div role="status">{changing.isSuccess && <p class="notice good">{t().order.addressChanged}</p>}</div>
      <Dialog title={t().order.changeAddress} isOpen={isOpen} onClose={() => setOpen(false)}>
        <Form
          submit={t().save}
          isBusy={changing.isPending}
          error={changing.error}
          onSubmit={submit}
          actions={
            <button type="button" onClick={() => setOpen(false)}>
              {t().cancel}
            </button>
          }
        >
          <AddressFields pointer="" initial={order.shipping_address} isPlaceFixed />
        </Form>
      </Dialog>
    </>
  );
}
