//! Postal addresses, with the parts that the postal system of their country needs.

mod parts;

use crate::personal_data::ERASED;
use crate::text::{AddressLine, Country, FullName, PlaceName, PostalCode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{borrow::Cow, fmt};

/// A postal address of a user or an order. Which of `city`, `region` and `postal_code` are required depends on the country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Address {
    /// Name of the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FullName>,
    /// Street and number.
    pub line1: AddressLine,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<AddressLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<PlaceName>,
    /// Region, state, province or emirate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<PlaceName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    pub country: Country,
}

/// The members as sent; a blank one counts as absent, because forms send all their fields.
#[derive(Deserialize)]
struct Sent {
    #[serde(default, deserialize_with = "unless_blank")]
    name: Option<FullName>,
    line1: AddressLine,
    #[serde(default, deserialize_with = "unless_blank")]
    line2: Option<AddressLine>,
    #[serde(default, deserialize_with = "unless_blank")]
    city: Option<PlaceName>,
    #[serde(default, deserialize_with = "unless_blank")]
    region: Option<PlaceName>,
    #[serde(default, deserialize_with = "unless_blank")]
    postal_code: Option<PostalCode>,
    country: Country,
}

fn unless_blank<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error = String>,
{
    let sent = Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty());
    sent.map(T::try_from).transpose().map_err(D::Error::custom)
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Sent { name, line1, line2, city, region, postal_code, country } = Sent::deserialize(deserializer)?;
        let needed = parts::required(&country);
        for (name, is_needed, is_given) in [
            ("city", needed.city, city.is_some()),
            ("region", needed.region, region.is_some()),
            ("postal_code", needed.postal_code, postal_code.is_some()),
        ] {
            if is_needed && !is_given {
                return Err(D::Error::missing_field(name));
            }
        }
        Ok(Self { name, line1, line2, city, region, postal_code, country })
    }
}

impl Address {
    /// The address without what leads to a person: the country is left.
    pub fn erased(&self) -> Self {
        let text = || ERASED.to_owned();
        Self {
            name: None,
            line1: AddressLine::try_from(text()).unwrap_or_else(|_| self.line1.clone()),
            line2: None,
            city: PlaceName::try_from(text()).ok(),
            region: PlaceName::try_from(text()).ok(),
            postal_code: PostalCode::try_from(text()).ok(),
            country: self.country.clone(),
        }
    }

    /// Country and region, such as `US-CA`; the country alone without a region, and for one that is not written as the code of a
    /// subdivision (ISO 3166-2), because whatever else a customer typed there may say who they are.
    pub fn area(&self) -> Area {
        Area(match self.region.as_ref().filter(|region| is_subdivision(region.as_str())) {
            Some(region) => format!("{}-{}", self.country.as_str(), region.as_str()),
            None => self.country.as_str().to_owned(),
        })
    }
}

/// A country, or a region of it: codes of ISO 3166, such as `DE` and `US-CA`. Nothing that somebody typed has this form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Area(String);

impl Area {
    /// Parses the codes; an error is a phrase to follow the name of the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (country, region) = text.split_once('-').map_or((text, None), |(country, region)| (country, Some(region)));
        Country::parse(country)?;
        match region.is_none_or(is_subdivision) {
            true => Ok(Self(text.to_owned())),
            false => Err("must be a country or a region of it (ISO 3166), such as US-CA".to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Area {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Area> for String {
    fn from(area: Area) -> Self {
        area.0
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Area {
    fn schema_name() -> Cow<'static, str> {
        "Area".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
            "description": "A country or a region of it (ISO 3166), such as US-CA"
        })
    }
}

/// Whether `text` has the form of the second part of an ISO 3166-2 code.
pub(crate) fn is_subdivision(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(country: &str, parts: Value) -> Result<Address, String> {
        let mut address = json!({ "line1": "1 Pier", "country": country });
        address.as_object_mut().expect("an object").extend(parts.as_object().cloned().unwrap_or_default());
        serde_json::from_value(address).map_err(|error| error.to_string())
    }

    #[test]
    fn parts_that_an_address_needs_depend_on_its_country() {
        for (country, parts) in [
            ("HK", json!({ "city": "Central", "region": "Hong Kong Island" })),
            ("HK", json!({ "region": "Kowloon" })),
            ("AE", json!({ "city": "Dubai", "region": "Dubai" })),
            ("SG", json!({ "postal_code": "018956" })),
            ("DE", json!({ "city": "Berlin", "postal_code": "10115" })),
            ("IE", json!({ "city": "Dublin" })),
            ("MO", json!({})),
            ("US", json!({ "city": "Oakland", "region": "CA", "postal_code": "94607" })),
        ] {
            assert_eq!(read(country, parts.clone()).map(|_| ()), Ok(()), "{country} {parts}");
        }
        for (country, parts, missing) in [
            ("US", json!({ "city": "Oakland", "region": "CA" }), "postal_code"),
            ("US", json!({ "city": "Oakland", "postal_code": "94607" }), "region"),
            ("US", json!({ "region": "CA", "postal_code": "94607" }), "city"),
            ("DE", json!({ "city": "Berlin" }), "postal_code"),
            ("DE", json!({ "city": "Berlin", "postal_code": "  " }), "postal_code"),
            ("AE", json!({ "city": "Dubai" }), "region"),
            ("JP", json!({ "city": "Tokyo", "postal_code": "100-0001" }), "region"),
            ("SG", json!({ "city": "Singapore" }), "postal_code"),
        ] {
            assert_eq!(read(country, parts.clone()), Err(format!("missing field `{missing}`")), "{country} {parts}");
        }
    }

    #[test]
    fn blank_part_that_is_not_needed_counts_as_absent() {
        let parts =
            json!({ "name": " ", "line2": "", "city": "Central", "region": "Hong Kong Island", "postal_code": " " });
        let address = read("HK", parts).expect("an address");
        assert_eq!((&address.name, &address.line2, &address.postal_code), (&None, &None, &None));
        let kept = serde_json::to_value(&address).expect("serializes");
        assert_eq!(kept.get("postal_code"), None);
        assert_eq!(serde_json::from_value::<Address>(kept).expect("reads"), address);
        assert_eq!(address.area().as_str(), "HK");
        assert_eq!(read("MO", json!({})).expect("an address").area().as_str(), "MO");
        let coded = json!({ "city": "Oakland", "region": "CA", "postal_code": "94607" });
        assert_eq!(read("US", coded).expect("an address").area().as_str(), "US-CA");
    }

    #[test]
    fn area_is_a_country_and_perhaps_the_code_of_a_region() {
        for code in ["DE", "US-CA", "GB-ENG", "FR-2A"] {
            assert_eq!(Area::parse(code).map(String::from), Ok(code.to_owned()));
        }
        for text in ["", "XX", "de", "US-", "US-California", "US-CA-1", "Ada Lovelace", "US-ca"] {
            assert!(Area::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn name_of_the_recipient_is_optional_and_kept() {
        let address = read("MO", json!({ "name": " Ada Lovelace " })).expect("an address");
        let kept = serde_json::to_value(&address).expect("serializes");
        assert_eq!(kept, json!({ "name": "Ada Lovelace", "line1": "1 Pier", "country": "MO" }));
        assert_eq!(
            read("MO", json!({ "name": "\u{202e}adA" })).map(|_| ()).map_err(|error| error.is_empty()),
            Err(false)
        );
    }

    #[test]
    fn invalid_parts_are_refused_and_unknown_ones_are_left_to_the_reader() {
        assert!(read("DE", json!({ "city": "Berlin", "postal_code": "10115", "planet": "Earth" })).is_ok());
        assert!(read("DE", json!({ "city": "Ber\u{0}lin", "postal_code": "10115" })).is_err());
        assert!(read("XX", json!({ "city": "Berlin", "postal_code": "10115" })).is_err());
    }
}
