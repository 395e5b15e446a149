import type { JSX } from "preact";
import { countryName } from "../core/i18n/index.ts";
import type { Address as Value } from "./address-fields.tsx";

/** An address as people read it. */
export function Address({ value }: { value: Value }): JSX.Element {
  const place = [value.postal_code, value.city, value.region].filter(Boolean).join(" ");
  const lines = [value.name, value.line1, value.line2, place, countryName(value.country)].filter(Boolean);
  return (
    <address>
      {lines.map((line, index) => (
        <span key={index}>{line}</span>
      ))}
    </address>
  );
}
