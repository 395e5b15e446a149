import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Schemas } from "../core/client.ts";
import { COUNTRIES, likelyCountry } from "../core/countries.ts";
import { countryName, language, t } from "../core/i18n/index.ts";
import { requiredParts } from "../core/address-parts.ts";
import { Field, Select } from "./form.tsx";

export type Address = Schemas["Address"];

interface Props {
  /** JSON pointer of the address in the request's body. */
  pointer: string;
  initial: Address | null;
  /** Whether the address may be left out. */
  isOptional?: boolean;
  /** Whether country and region stay, because the tax of an order depends on them. */
  isPlaceFixed?: boolean;
}

/** The fields of a postal address. The country decides which of them are required. */
export function AddressFields({ pointer, initial, isOptional = false, isPlaceFixed = false }: Props): JSX.Element {
  const [chosen, setChosen] = useState<string | null>(null);
  const country = chosen ?? initial?.country ?? (isOptional ? "" : likelyCountry());
  const countries = useMemo(() => {
    const named = (isPlaceFixed ? [country] : COUNTRIES).map((code) => [code, countryName(code)] as const);
    return named.sort(([, one], [, other]) => one.localeCompare(other, language.value));
  }, [language.value]);
  const required = requiredParts(country);
  const isGiven = !isOptional || country !== "";
  return (
    <>
      <Select name={`${pointer}/country`} label={t().checkout.country} hint={isPlaceFixed ? t().order.placeStays : undefined} required={!isOptional} autocomplete="country" onChange={(event) => setChosen(event.currentTarget.value)}>
        {!isPlaceFixed && <option value="">{t().checkout.chooseCountry}</option>}
        {countries.map(([code, name]) => (
          <option key={code} value={code} selected={code === country}>
            {name}
          </option>
        ))}
      </Select>
      <Field name={`${pointer}/name`} label={t().checkout.name} autocomplete="name" maxLength={200} defaultValue={initial?.name ?? ""} />
      <Field name={`${pointer}/line1`} label={t().checkout.line1} autocomplete="address-line1" maxLength={200} defaultValue={initial?.line1 ?? ""} required={isGiven} />
      <Field name={`${pointer}/line2`} label={t().checkout.line2} autocomplete="address-line2" maxLength={200} defaultValue={initial?.line2 ?? ""} />
      <div class="columns">
        <Field name={`${pointer}/postal_code`} label={t().checkout.postalCode} autocomplete="postal-code" maxLength={12} defaultValue={initial?.postal_code ?? ""} required={isGiven && required.postalCode} />
        <Field name={`${pointer}/city`} label={t().checkout.city} autocomplete="address-level2" maxLength={100} defaultValue={initial?.city ?? ""} required={isGiven && required.city} />
        <Field name={`${pointer}/region`} label={t().checkout.region} readOnly={isPlaceFixed} autocomplete="address-level1" maxLength={100} defaultValue={initial?.region ?? ""} required={isGiven && required.region} />
      </div>
    </>
  );
}

/** The address in the values of a form; null if no country was chosen. */
export function addressOf(values: Record<string, string>, pointer: string): Address | null {
  const text = (name: string): string | null => values[`${pointer}/${name}`]?.trim() || null;
  const [country, line1] = [text("country"), text("line1")];
  if (country === null && line1 === null) return null;
  return { country: country ?? "", line1: line1 ?? "", line2: text("line2"), name: text("name"), city: text("city"), region: text("region"), postal_code: text("postal_code") };
}
