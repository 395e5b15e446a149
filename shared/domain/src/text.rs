//! Validated text types. The only way to create one is to parse it.
//!
//! Parsing checks the characters ([`characters::check`]) first and only then maps anything: a character that a mapping
//! would turn into another one (the Kelvin sign into `k`) is refused as it was sent. A parsed text parses to itself.

mod characters;
mod email;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use characters::LineBreaks;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// Trims the text, and checks that it has `least` to `most` characters and, if it may not be empty, that something of it is visible.
fn plain(text: &str, least: usize, most: usize) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if length < least || length > most {
        Err(match least {
            0 => format!("must be at most {most} characters"),
            _ => format!("must be {least} to {most} characters"),
        })
    } else if least > 0 && !text.chars().any(characters::is_visible) {
        Err("must have at least one visible character".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $most:literal $breaks:ident $parse:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses the text; an error is a phrase to follow the name of the field.
            pub fn parse(text: &str) -> Result<Self, String> {
                let parse: fn(&str) -> Result<String, String> = $parse;
                characters::check(text.trim(), LineBreaks::$breaks)?;
                parse(text).map(Self)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Debug for $name {
            /// Shows the type only: texts may contain personal data.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "maxLength": $most })
            }
        }
    )*};
}

texts! {
    /// An e-mail address, in the form in which mail is delivered to it: lower-cased, with the ASCII form of the domain (IDNA).
    /// [`Email::display`] shows the domain in its own script.
    Email 254 Refused email::parse;
    /// 3 to 32 characters a–z, 0–9, `.`, `_` and `-`, starting with a letter; lower-cased.
    Username 32 Refused username;
    /// The full name of a person.
    FullName 200 Refused |text| plain(text, 1, 200);
    /// A phone number in E.164 format: `+` and 8 to 15 digits.
    Phone 16 Refused phone;
    /// A line of a postal address.
    AddressLine 200 Refused |text| plain(text, 1, 200);
    /// A city, region or state.
    PlaceName 100 Refused |text| plain(text, 1, 100);
    /// A postal code: letters, digits, spaces and hyphens.
    PostalCode 12 Refused postal_code;
    /// An ISO 3166-1 alpha-2 country code that is assigned.
    Country 2 Refused country;
    /// A stock keeping unit: 1 to 64 characters A–Z, 0–9, `.`, `_` and `-`; upper-cased.
    Sku 64 Refused sku;
    /// The name of a product.
    ProductName 200 Refused |text| plain(text, 1, 200);
    /// The description of a product; may be empty. Line breaks and tabs become spaces.
    Description 5000 Allowed |text| plain(&text.replace(characters::BREAKS, " "), 0, 5000);
    /// A product category in kebab case.
    Category 64 Refused category;
    /// A shipping method in kebab case.
    ShippingMethod 64 Refused category;
    /// The name of a carrier.
    Carrier 64 Refused |text| plain(text, 1, 64);
    /// A carrier's number of a parcel: letters, digits, spaces and hyphens.
    TrackingNumber 64 Refused tracking_number;
    /// The name of a service client.
    ClientName 64 Refused |text| plain(text, 1, 64);
    /// The subject of a message: one line.
    Subject 120 Refused |text| plain(text, 1, 120);
    /// Why an operator does something: one line.
    ActionReason 500 Refused |text| plain(text, 3, 500);
    /// The body of a message; may contain line breaks.
    MessageText 4000 Allowed |text| lines(text, 4000);
    /// What an endpoint of webhooks is for.
    EndpointDescription 200 Refused |text| plain(text, 1, 200);
    /// The template of a message's subject: one line.
    SubjectTemplate 300 Refused |text| plain(text, 1, 300);
    /// The code of a failure: lower-case words joined by hyphens.
    FailureCode 64 Refused category;
    /// The template of a message's plain text.
    TextTemplate 20_000 Allowed |text| lines(text, 20_000);
    /// The template of a message's HTML.
    HtmlTemplate 60_000 Allowed |text| lines(text, 60_000);
    /// The template of a text message or push notification.
    ShortTemplate 2_000 Allowed |text| lines(text, 2_000);
    /// A registration token of the push service: up to 4096 visible ASCII characters.
    DeviceToken 4096 Refused device_token;
    /// The gateway's token of a payment method; never a card number.
    PaymentMethod 64 Refused payment_method;
}

impl Email {
    /// The address with its domain in the script that people read, such as `max@müller.de`; it parses to the same address.
    pub fn display(&self) -> String {
        email::display(&self.0)
    }
}

impl ShippingMethod {
    /// The method of orders where none is configured.
    pub fn standard() -> Self {
        Self("standard".to_owned())
    }
}

impl Description {
    pub fn empty() -> Self {
        Self(String::new())
    }
}

fn username(text: &str) -> Result<String, String> {
    let text = text.trim();
    let ok = (3..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    ok.then(|| text.to_ascii_lowercase())
        .ok_or_else(|| "must be 3 to 32 characters a-z, 0-9, '.', '_', '-' and start with a letter".to_owned())
}

fn phone(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let ok = (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    ok.then(|| text.to_owned()).ok_or_else(|| "must be '+' and 8 to 15 digits (E.164)".to_owned())
}

fn device_token(text: &str) -> Result<String, String> {
    let ok = (1..=4096).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    ok.then(|| text.to_owned()).ok_or_else(|| "must be 1 to 4096 visible ASCII characters".to_owned())
}

fn postal_code(text: &str) -> Result<String, String> {
    let text = plain(text, 1, 12)?;
    let ok = text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-');
    ok.then_some(text).ok_or_else(|| "must be letters, digits, spaces and hyphens".to_owned())
}

fn tracking_number(text: &str) -> Result<String, String> {
    let text = plain(text, 1, 64)?;
    let ok = text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-');
    ok.then_some(text).ok_or_else(|| "must be letters, digits, spaces and hyphens".to_owned())
}

/// Like [`plain`], of several lines, which end with `\n`.
fn lines(text: &str, most: usize) -> Result<String, String> {
    plain(&text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " "), 1, most)
}

fn country(text: &str) -> Result<String, String> {
    let ok = text.len() == 2 && text.parse::<iso_country::Country>().is_ok();
    ok.then(|| text.to_owned()).ok_or_else(|| "must be a country code of ISO 3166-1, such as DE".to_owned())
}

fn sku(text: &str) -> Result<String, String> {
    let text = text.trim();
    let ok = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    ok.then(|| text.to_ascii_uppercase()).ok_or_else(|| "must be 1 to 64 characters A-Z, 0-9, '.', '_', '-'".to_owned())
}

fn category(text: &str) -> Result<String, String> {
    let ok = (1..=64).contains(&text.len())
        && text
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    ok.then(|| text.to_owned()).ok_or_else(|| "must be lower-case words joined by hyphens".to_owned())
}

fn payment_method(text: &str) -> Result<String, String> {
    let ok = text.len() <= 64
        && text
            .strip_prefix("pm_")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    ok.then(|| text.to_owned()).ok_or_else(|| "must be a payment method token of the gateway (pm_…)".to_owned())
}
