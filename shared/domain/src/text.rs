//! Validated text types. The only way to create one is to parse it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// Trims the text and checks that it has no control characters and `least` to `most` characters.
fn plain(text: &str, least: usize, most: usize) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if length < least || length > most {
        Err(if least == 0 {
            format!("must be at most {most} characters")
        } else {
            format!("must be {least} to {most} characters")
        })
    } else if text.chars().any(char::is_control) {
        Err("must not contain control characters".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $most:literal $parse:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses the text; an error is a phrase to follow the name of the field.
            pub fn parse(text: &str) -> Result<Self, String> {
                let parse: fn(&str) -> Result<String, String> = $parse;
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
    /// An e-mail address in lower case. Its syntax is that of `<input type=email>` (WHATWG) with at least one dot in the host.
    Email 254 email;
    /// 3 to 32 characters a–z, 0–9, `.`, `_` and `-`, starting with a letter; lower-cased.
    Username 32 username;
    /// The full name of a person.
    FullName 200 |text| plain(text, 1, 200);
    /// A phone number in E.164 format: `+` and 8 to 15 digits.
    Phone 16 phone;
    /// A line of a postal address.
    AddressLine 200 |text| plain(text, 1, 200);
    /// A city, region or state.
    PlaceName 100 |text| plain(text, 1, 100);
    /// A postal code: letters, digits, spaces and hyphens.
    PostalCode 12 postal_code;
    /// An ISO 3166-1 alpha-2 country code.
    Country 2 country;
    /// A stock keeping unit: 1 to 64 characters A–Z, 0–9, `.`, `_` and `-`; upper-cased.
    Sku 64 sku;
    /// The name of a product.
    ProductName 200 |text| plain(text, 1, 200);
    /// The description of a product; may be empty.
    Description 5000 |text| plain(&text.replace(['\n', '\t'], " "), 0, 5000);
    /// A product category in kebab case.
    Category 64 category;
    /// The subject of a message: one line.
    Subject 120 |text| plain(text, 1, 120);
    /// The body of a message; may contain line breaks.
    MessageText 4000 message_text;
    /// A registration token of the push service: up to 4096 visible ASCII characters.
    DeviceToken 4096 device_token;
    /// The gateway's token of a payment method; never a card number.
    PaymentMethod 64 payment_method;
}

impl Description {
    pub fn empty() -> Self {
        Self(String::new())
    }
}

fn email(text: &str) -> Result<String, String> {
    let wrong = || "is not an e-mail address".to_owned();
    let text = text.trim().to_lowercase();
    let (local, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let local_ok = (1..=64).contains(&local.len())
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b));
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let host_ok = host.contains('.') && host.split('.').all(label_ok);
    if text.len() <= 254 && local_ok && host_ok { Ok(text) } else { Err(wrong()) }
}

fn username(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    let ok = (3..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_lowercase());
    ok.then_some(text)
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

fn message_text(text: &str) -> Result<String, String> {
    let text = text.replace("\r\n", "\n");
    // Line breaks are the only control characters allowed.
    plain(&text.replace('\n', " "), 1, 4000)?;
    Ok(text.trim().to_owned())
}

fn country(text: &str) -> Result<String, String> {
    let ok = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    ok.then(|| text.to_owned()).ok_or_else(|| "must be a two-letter country code (ISO 3166-1)".to_owned())
}

fn sku(text: &str) -> Result<String, String> {
    let text = text.trim().to_uppercase();
    let ok = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    ok.then_some(text).ok_or_else(|| "must be 1 to 64 characters A-Z, 0-9, '.', '_', '-'".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_is_lower_cased_and_invalid_addresses_are_rejected() {
        assert_eq!(Email::parse(" Ada@Example.COM ").expect("valid").as_str(), "ada@example.com");
        for bad in ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@localhost", "ada@-x.com", "ada@x..com"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn card_number_is_not_a_payment_method() {
        assert!(PaymentMethod::parse("4242424242424242").is_err());
        assert!(PaymentMethod::parse("pm_card_visa").is_ok());
    }

    #[test]
    fn debug_output_contains_no_personal_data() {
        let email = Email::parse("ada@example.com").expect("valid");
        assert_eq!(format!("{email:?}"), "Email(…)");
    }

    #[test]
    fn names_reject_control_characters_and_blanks() {
        assert!(FullName::parse("Ada\u{0}Lovelace").is_err());
        assert!(ProductName::parse("  ").is_err());
    }

    /// The `texts` that parse as a `T`.
    fn valid<'a, T: TryFrom<String>>(texts: &[&'a str]) -> Vec<&'a str> {
        texts.iter().copied().filter(|text| T::try_from((*text).to_owned()).is_ok()).collect()
    }

    #[test]
    fn length_is_limited_and_named_in_the_error() {
        let [most, too_long] = [200, 201].map(|length| "é".repeat(length));
        assert_eq!(valid::<FullName>(&["", "é", &most, &too_long]), ["é", &most]);
        assert_eq!(FullName::parse(""), Err("must be 1 to 200 characters".to_owned()));
        assert_eq!(Description::parse(&"d".repeat(5001)), Err("must be at most 5000 characters".to_owned()));
        assert_eq!(Description::parse(" a\nb\tc ").expect("valid").as_str(), "a b c");
        assert_eq!(Description::parse(""), Ok(Description::empty()));
    }

    #[test]
    fn email_host_consists_of_labels() {
        let label = "h".repeat(63);
        let (most, too_long) = (format!("a@{label}.com"), format!("a@{label}h.com"));
        let local = "l".repeat(64);
        let (longest, longer) = (format!("{local}@x.co"), format!("{local}l@x.co"));
        let whole = format!("{local}@{label}.{label}.{}.co", "h".repeat(58));
        assert_eq!(whole.len(), 254);
        let good = ["a-b+c@my-host.co.uk", &most, &longest, &whole];
        let bad =
            ["a@x_y.com", "a@x.com-", "a@-x.com", "a@x.", &too_long, &longer, &whole.replace(".co", ".com"), "ä@x.co"];
        assert_eq!(valid::<Email>(&[good.as_slice(), bad.as_slice()].concat()), good);
    }

    #[test]
    fn username_is_3_to_32_characters_and_starts_with_a_letter() {
        let [most, too_long] = [32, 33].map(|length| "a".repeat(length));
        assert_eq!(Username::parse(" Ada.L_1-x ").expect("valid").as_str(), "ada.l_1-x");
        assert_eq!(valid::<Username>(&["ada", &most, "ad", &too_long, "1da", "_da", "a b", "adä"]), ["ada", &most]);
    }

    #[test]
    fn phone_number_is_plus_and_8_to_15_digits() {
        let good = ["+12345678", "+123456789012345"];
        let bad = ["12345678", "+1234567", "+1234567890123456", "+1234567a", "+", "++12345678"];
        assert_eq!(valid::<Phone>(&[good.as_slice(), bad.as_slice()].concat()), good);
        assert_eq!(Phone::parse("+12345678").expect("valid").as_str(), "+12345678");
    }

    #[test]
    fn postal_code_is_letters_digits_spaces_and_hyphens() {
        let good = ["94607", "SW1A 1AA", "1234-567", "A"];
        assert_eq!(
            valid::<PostalCode>(&[good.as_slice(), &["", "94_607", "9/4", "1234567890123", "94é"]].concat()),
            good
        );
        assert_eq!(PostalCode::parse(" SW1A 1AA ").expect("valid").as_str(), "SW1A 1AA");
    }

    #[test]
    fn country_is_two_upper_case_letters() {
        assert_eq!(valid::<Country>(&["US", "us", "U", "USA", "U1", "É"]), ["US"]);
        assert_eq!(Country::parse("US").expect("valid").as_str(), "US");
    }

    #[test]
    fn sku_is_upper_cased() {
        let [most, too_long] = [64, 65].map(|length| "S".repeat(length));
        assert_eq!(Sku::parse(" lamp-1.a_b ").expect("valid").as_str(), "LAMP-1.A_B");
        assert_eq!(valid::<Sku>(&["1", &most, "", &too_long, "A B", "A/B"]), ["1", &most]);
    }

    #[test]
    fn category_is_kebab_case() {
        let [most, too_long] = [64, 65].map(|length| "c".repeat(length));
        let good = ["deck", "deck-lights-2", "2", &most];
        let bad = ["", "Deck", "deck lights", "deck--lights", "-deck", "deck-", "dëck", &too_long];
        assert_eq!(valid::<Category>(&[good.as_slice(), bad.as_slice()].concat()), good);
        assert_eq!(Category::parse("deck-2").expect("valid").as_str(), "deck-2");
    }

    #[test]
    fn payment_method_is_a_token_of_the_gateway() {
        let [most, too_long] = [61, 62].map(|length| format!("pm_{}", "x".repeat(length)));
        let good = ["pm_card_visa", "pm_1", &most];
        assert_eq!(
            valid::<PaymentMethod>(&[good.as_slice(), &["pm_", "pm_a-b", "pm_a b", "xpm_1", &too_long]].concat()),
            good
        );
    }

    #[test]
    fn device_token_is_1_to_4096_visible_ascii_characters() {
        let is_valid = |text: &str| DeviceToken::parse(text).is_ok();
        assert!(is_valid("f") && is_valid("fMEP-J0x:APA91b_~!") && is_valid(&"x".repeat(4096)));
        for wrong in ["", "with a blank", "zeile\n", "schön", &"x".repeat(4097)] {
            assert!(!is_valid(wrong), "{wrong}");
        }
    }
}
