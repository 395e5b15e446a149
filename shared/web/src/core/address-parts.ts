import parts from "../data/address-parts.json";

interface Required {
  city: boolean;
  region: boolean;
  postalCode: boolean;
}

/** The parts besides street and country that an address in this country needs, as `domain::address::parts` has them (scripts/local/test_web.py). */
export function requiredParts(country: string): Required {
  return {
    city: country !== "" && !parts.without_city.includes(country),
    region: parts.with_region.includes(country),
    postalCode: parts.with_postal_code.includes(country),
  };
}
