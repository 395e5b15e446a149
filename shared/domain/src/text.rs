//! Text that cannot be wrong: the only way to make one of these is to parse it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// Text with neither control characters nor white space at its ends, of a length in characters.
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
            /// Reads it, or says what is wrong in words that follow the name of the field.
            pub fn parse(text: &str) -> Result<Self, String> {
                let parse: fn(&str) -> Result<String, String> = $parse;
                parse(text).map(Self)
            }

            /// As text.
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
            /// Texts are often personal: only the type is told.
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
    /// An e-mail address, lower-cased. What it must look like is WHATWG's rule for `<input type=email>`, with a dot in the host.
    Email 254 email;
    /// 3 to 32 of a–z, 0–9, `.`, `_` and `-`, lower-cased, beginning with a letter.
    Username 32 username;
    /// A person's name as they write it.
    FullName 200 |text| plain(text, 1, 200);
    /// A telephone number in E.164 form: `+` and 8 to 15 digits.
    Phone 16 phone;
    /// One line of an address.
    AddressLine 200 |text| plain(text, 1, 200);
    /// A city, region or state.
    PlaceName 100 |text| plain(text, 1, 100);
    /// A postal code: letters, digits, spaces and hyphens.
    PostalCode 12 postal_code;
    /// ISO 3166-1 alpha-2 country code.
    Country 2 country;
    /// A stock keeping unit: 1 to 64 of A–Z, 0–9, `.`, `_` and `-`, upper-cased.
    Sku 64 sku;
    /// A product's name.
    ProductName 200 |text| plain(text, 1, 200);
    /// A product's description; may be empty.
    Description 5000 |text| plain(&text.replace(['\n', '\t'], " "), 0, 5000);
    /// A category: lower-case words joined by hyphens.
    Category 64 category;
    /// The subject of a message: one line.
    Subject 120 |text| plain(text, 1, 120);
    /// What a message says, in lines.
    MessageText 4000 message_text;
    /// The name that a push service gave to an app on a device: up to 4096 visible ASCII characters.
    DeviceToken 4096 device_token;
    /// The gateway's token for a way to pay. Never a card number.
    PaymentMethod 64 payment_method;
}

impl Description {
    /// No description.
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
    ok.then_some(text).ok_or_else(|| "must be 3 to 32 of a-z, 0-9, '.', '_', '-' and begin with a letter".to_owned())
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
    // Lines are the only control that is let through.
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
    ok.then_some(text).ok_or_else(|| "must be 1 to 64 of A-Z, 0-9, '.', '_', '-'".to_owned())
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
    fn an_address_is_kept_in_lower_case_and_what_is_none_is_refused() {
        assert_eq!(Email::parse(" Ada@Example.COM ").expect("valid").as_str(), "ada@example.com");
        for bad in ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@localhost", "ada@-x.com", "ada@x..com"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_card_number_is_no_payment_method() {
        assert!(PaymentMethod::parse("4242424242424242").is_err());
        assert!(PaymentMethod::parse("pm_card_visa").is_ok());
    }

    #[test]
    fn debug_output_tells_nothing_of_a_person() {
        let email = Email::parse("ada@example.com").expect("valid");
        assert_eq!(format!("{email:?}"), "Email(…)");
    }

    #[test]
    fn control_characters_do_not_get_into_names() {
        assert!(FullName::parse("Ada\u{0}Lovelace").is_err());
        assert!(ProductName::parse("  ").is_err());
    }

    /// What of `texts` is read as a `T`.
    fn read<'a, T: TryFrom<String>>(texts: &[&'a str]) -> Vec<&'a str> {
        texts.iter().copied().filter(|text| T::try_from((*text).to_owned()).is_ok()).collect()
    }

    #[test]
    fn a_text_may_be_as_short_and_as_long_as_its_type_says_and_the_refusal_says_how_long() {
        let [most, too_long] = [200, 201].map(|length| "é".repeat(length));
        assert_eq!(read::<FullName>(&["", "é", &most, &too_long]), ["é", &most]);
        assert_eq!(FullName::parse(""), Err("must be 1 to 200 characters".to_owned()));
        assert_eq!(Description::parse(&"d".repeat(5001)), Err("must be at most 5000 characters".to_owned()));
        assert_eq!(Description::parse(" a\nb\tc ").expect("reads").as_str(), "a b c");
        assert_eq!(Description::parse(""), Ok(Description::empty()));
    }

    #[test]
    fn an_address_has_a_host_of_labels() {
        let label = "h".repeat(63);
        let (most, too_long) = (format!("a@{label}.com"), format!("a@{label}h.com"));
        let local = "l".repeat(64);
        let (longest, longer) = (format!("{local}@x.co"), format!("{local}l@x.co"));
        let whole = format!("{local}@{label}.{label}.{}.co", "h".repeat(58));
        assert_eq!(whole.len(), 254);
        let good = ["a-b+c@my-host.co.uk", &most, &longest, &whole];
        let bad =
            ["a@x_y.com", "a@x.com-", "a@-x.com", "a@x.", &too_long, &longer, &whole.replace(".co", ".com"), "ä@x.co"];
        assert_eq!(read::<Email>(&[good.as_slice(), bad.as_slice()].concat()), good);
    }

    #[test]
    fn a_username_is_3_to_32_characters_and_begins_with_a_letter() {
        let [most, too_long] = [32, 33].map(|length| "a".repeat(length));
        assert_eq!(Username::parse(" Ada.L_1-x ").expect("reads").as_str(), "ada.l_1-x");
        assert_eq!(read::<Username>(&["ada", &most, "ad", &too_long, "1da", "_da", "a b", "adä"]), ["ada", &most]);
    }

    #[test]
    fn a_phone_number_is_plus_and_8_to_15_digits() {
        let good = ["+12345678", "+123456789012345"];
        let bad = ["12345678", "+1234567", "+1234567890123456", "+1234567a", "+", "++12345678"];
        assert_eq!(read::<Phone>(&[good.as_slice(), bad.as_slice()].concat()), good);
        assert_eq!(Phone::parse("+12345678").expect("reads").as_str(), "+12345678");
    }

    #[test]
    fn a_postal_code_is_letters_digits_spaces_and_hyphens() {
        let good = ["94607", "SW1A 1AA", "1234-567", "A"];
        assert_eq!(
            read::<PostalCode>(&[good.as_slice(), &["", "94_607", "9/4", "1234567890123", "94é"]].concat()),
            good
        );
        assert_eq!(PostalCode::parse(" SW1A 1AA ").expect("reads").as_str(), "SW1A 1AA");
    }

    #[test]
    fn a_country_is_two_capitals() {
        assert_eq!(read::<Country>(&["US", "us", "U", "USA", "U1", "É"]), ["US"]);
        assert_eq!(Country::parse("US").expect("reads").as_str(), "US");
    }

    #[test]
    fn a_stock_keeping_unit_is_kept_in_capitals() {
        let [most, too_long] = [64, 65].map(|length| "S".repeat(length));
        assert_eq!(Sku::parse(" lamp-1.a_b ").expect("reads").as_str(), "LAMP-1.A_B");
        assert_eq!(read::<Sku>(&["1", &most, "", &too_long, "A B", "A/B"]), ["1", &most]);
    }

    #[test]
    fn a_category_is_lower_case_words_joined_by_hyphens() {
        let [most, too_long] = [64, 65].map(|length| "c".repeat(length));
        let good = ["deck", "deck-lights-2", "2", &most];
        let bad = ["", "Deck", "deck lights", "deck--lights", "-deck", "deck-", "dëck", &too_long];
        assert_eq!(read::<Category>(&[good.as_slice(), bad.as_slice()].concat()), good);
        assert_eq!(Category::parse("deck-2").expect("reads").as_str(), "deck-2");
    }

    #[test]
    fn a_payment_method_is_a_token_of_the_gateway() {
        let [most, too_long] = [61, 62].map(|length| format!("pm_{}", "x".repeat(length)));
        let good = ["pm_card_visa", "pm_1", &most];
        assert_eq!(
            read::<PaymentMethod>(&[good.as_slice(), &["pm_", "pm_a-b", "pm_a b", "xpm_1", &too_long]].concat()),
            good
        );
    }

    #[test]
    fn a_device_token_is_visible_ascii_of_any_length_that_a_push_service_gives() {
        let reads = |text: &str| DeviceToken::parse(text).is_ok();
        assert!(reads("f") && reads("fMEP-J0x:APA91b_~!") && reads(&"x".repeat(4096)));
        for wrong in ["", "with a blank", "zeile\n", "schön", &"x".repeat(4097)] {
            assert!(!reads(wrong), "{wrong}");
        }
    }
}
