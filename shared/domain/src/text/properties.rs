//! What holds for every text type, whatever is sent: a parsed text parses to itself, survives JSON, is bounded, and has no control
//! characters.

use super::*;
use proptest::prelude::*;
use std::fmt::Debug;

/// Any text, with problematic characters more often than by chance.
fn anything() -> impl Strategy<Value = String> {
    let trouble = prop::sample::select(vec![
        '\0', '\u{7f}', '\n', '\r', '\t', ' ', '\u{a0}', '\u{200b}', '\u{200f}', '\u{202e}', '\u{2028}', '\u{2066}',
        '\u{3164}', '\u{feff}', '\u{212a}', 'ſ', 'ß', 'ﬁ', 'İ', 'Ａ', '．', '。', 'é', '\u{301}', '@', '.', '-', '+',
        '"', '字', 'ع', '😀',
    ]);
    let character = prop_oneof![3 => trouble, 4 => prop::char::range('!', '~'), 1 => any::<char>()];
    prop::collection::vec(character, 0..40).prop_map(String::from_iter)
}

/// Asserts what holds for every type, if `text` parses as a `T`.
fn holds<T>(text: &str, most: usize, breaks: LineBreaks) -> Result<Option<T>, TestCaseError>
where
    T: TryFrom<String, Error = String>
        + Into<String>
        + Clone
        + PartialEq
        + Debug
        + Serialize
        + for<'de> Deserialize<'de>,
{
    let Ok(parsed) = T::try_from(text.to_owned()) else { return Ok(None) };
    let kept: String = parsed.clone().into();
    prop_assert_eq!(T::try_from(kept.clone()), Ok(parsed.clone()), "a parsed text parses to itself");
    let json = serde_json::to_string(&parsed).expect("a string");
    prop_assert_eq!(serde_json::from_str::<T>(&json).expect("the same text"), parsed.clone(), "through JSON");
    prop_assert!(kept.chars().count() <= most, "at most {} characters", most);
    prop_assert_eq!(kept.trim(), &kept, "trimmed");
    let controls: Vec<_> = kept.chars().filter(|c| c.is_control()).collect();
    let allowed = |c: &char| breaks == LineBreaks::Allowed && *c == '\n';
    prop_assert!(controls.iter().all(allowed), "{:?}", controls);
    Ok(Some(parsed))
}

macro_rules! properties {
    ($($test:ident $type:ident $most:literal $breaks:ident $accepted:literal;)*) => {
        proptest! {
            $(
                #[test]
                fn $test(noise in anything(), wanted in $accepted) {
                    holds::<$type>(&noise, $most, LineBreaks::$breaks)?;
                    let parsed = holds::<$type>(&wanted, $most, LineBreaks::$breaks)?;
                    prop_assert!(parsed.is_some(), "{:?} is one", wanted);
                    // The same text with one character of noise in it is either refused or holds as well.
                    for c in noise.chars().take(3) {
                        holds::<$type>(&format!("{c}{wanted}"), $most, LineBreaks::$breaks)?;
                        holds::<$type>(&format!("{wanted}{c}"), $most, LineBreaks::$breaks)?;
                    }
                }
            )*
        }
    };
}

properties! {
    email_holds Email 254 Refused "[a-zA-Z0-9]([a-zA-Z0-9+_-]{0,20})(\\.[a-z0-9]{1,5})?@[a-z0-9äöü]{1,20}\\.[a-z]{2,6}";
    username_holds Username 32 Refused "[a-zA-Z][a-zA-Z0-9._-]{2,31}";
    full_name_holds FullName 200 Refused "[A-Za-zäöüß字ก]{1,50}";
    phone_holds Phone 16 Refused "\\+[0-9]{8,15}";
    address_line_holds AddressLine 200 Refused "[A-Za-z0-9ä]{1,60}";
    place_name_holds PlaceName 100 Refused "[A-Za-zäé]{1,60}";
    postal_code_holds PostalCode 12 Refused "[A-Z0-9]{1,6}-?[A-Z0-9]{0,5}";
    country_holds Country 2 Refused "DE|US|HK|AE|JP|SS|CW";
    sku_holds Sku 64 Refused "[A-Za-z0-9._-]{1,64}";
    product_name_holds ProductName 200 Refused "[A-Za-z0-9äß]{1,60}";
    description_holds Description 5000 Refused "[A-Za-z \n\t]{0,60}";
    category_holds Category 64 Refused "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,4}";
    subject_holds Subject 120 Refused "[A-Za-z!?]{1,60}";
    message_text_holds MessageText 4000 Allowed "[A-Za-z]{1,60}\r\n[A-Za-z]{1,60}";
    subject_template_holds SubjectTemplate 300 Refused "[A-Za-z]{1,60} \\{\\{ number \\}\\}";
    text_template_holds TextTemplate 20_000 Allowed "[A-Za-z]{1,60}\r\n\\{\\{ name \\}\\}";
    html_template_holds HtmlTemplate 60_000 Allowed "<p>[A-Za-z]{1,60}</p>\n<br>";
    short_template_holds ShortTemplate 2_000 Allowed "[A-Za-z]{1,60} \\{\\{ total \\}\\}";
    device_token_holds DeviceToken 4096 Refused "[!-~]{1,60}";
    payment_method_holds PaymentMethod 64 Refused "pm_[A-Za-z0-9_]{1,40}";
}

proptest! {
    #[test]
    fn displayed_email_parses_to_the_same_address(local in "[a-z0-9]{1,10}", domain in "[a-z0-9äöüßéñ字ж]{1,15}", top in "[a-z]{2,5}") {
        if let Ok(email) = Email::parse(&format!("{local}@{domain}.{top}")) {
            prop_assert!(email.as_str().is_ascii());
            prop_assert_eq!(Email::parse(&email.display()), Ok(email));
        }
    }
}
