//! What each text type accepts.

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
    assert_eq!(valid::<PostalCode>(&[good.as_slice(), &["", "94_607", "9/4", "1234567890123", "94é"]].concat()), good);
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

#[test]
fn control_characters_are_refused_by_every_type_before_anything_is_mapped() {
    let accepted = |text: &str| {
        [
            Email::parse(&format!("a{text}b@example.com")).is_ok(),
            Username::parse(&format!("ada{text}b")).is_ok(),
            FullName::parse(&format!("Ada{text}b")).is_ok(),
            Phone::parse(&format!("+491701234567{text}8")).is_ok(),
            AddressLine::parse(&format!("1{text}Pier")).is_ok(),
            PlaceName::parse(&format!("Ber{text}lin")).is_ok(),
            PostalCode::parse(&format!("10{text}115")).is_ok(),
            Country::parse(&format!("D{text}E")).is_ok(),
            Sku::parse(&format!("A{text}1")).is_ok(),
            ProductName::parse(&format!("La{text}mp")).is_ok(),
            Description::parse(&format!("La{text}mp")).is_ok(),
            Category::parse(&format!("de{text}ck")).is_ok(),
            Subject::parse(&format!("He{text}llo")).is_ok(),
            MessageText::parse(&format!("He{text}llo")).is_ok(),
            DeviceToken::parse(&format!("to{text}ken")).is_ok(),
            PaymentMethod::parse(&format!("pm_ca{text}rd")).is_ok(),
        ]
    };
    for control in ["\0", "\u{1}", "\u{1b}", "\u{7f}", "\u{85}", "\u{9f}", "\u{202e}", "\u{2066}"] {
        assert_eq!(accepted(control), [false; 16], "{control:?}");
    }
}

#[test]
fn letters_that_a_case_mapping_turns_into_ascii_are_refused() {
    for odd in ["\u{212a}ate", "ſtaff", "straße", "ﬁnn", "İda", "Ｋate", "ﬀoo", "\u{1d41a}da", "kat\u{e9}"] {
        assert!(Username::parse(odd).is_err(), "{odd}");
        assert!(Sku::parse(odd).is_err(), "{odd}");
        assert!(Email::parse(&format!("{odd}@example.com")).is_err(), "{odd}");
    }
    for domain in ["\u{212a}ate.com", "ﬁnn.com", "ſite.com", "ｅxample.com", "example．com", "İda.com", "ⓔxample.com"]
    {
        assert!(Email::parse(&format!("ada@{domain}")).is_err(), "{domain}");
    }
}

#[test]
fn email_syntax_is_that_of_rfc_5321() {
    for bad in [
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a@b@example.com",
        "a@.example.com",
        "a@example.com.",
        "a@example..com",
        "a@[192.0.2.1]",
        "a@192.0.2.1",
        "\"a b\"@example.com",
        "Ada <ada@example.com>",
        "a,b@example.com",
        "a@exa_mple.com",
        "a@xn--a.com",
        "mailto:a@example.com",
        "a@example.com\u{200b}",
        "a:b@example.com",
        "a@-example.com",
    ] {
        assert!(Email::parse(bad).is_err(), "{bad}");
    }
    for good in ["o'neil+tag@example.com", "a.b.c@sub.example.co.uk", "x@y.museum", "a!#$%&'*/=?^_`{|}~-@example.com"] {
        assert_eq!(Email::parse(good).expect(good).as_str(), good);
    }
}

#[test]
fn email_domain_in_another_script_is_kept_in_ascii_and_shown_as_typed() {
    for (typed, ascii) in [
        ("max@müller.de", "max@xn--mller-kva.de"),
        ("max@straße.de", "max@xn--strae-oqa.de"),
        ("用户@例子.广告", ""),
        ("info@例子.广告", "info@xn--fsqu00a.xn--42c2d9a"),
    ] {
        match (Email::parse(typed), ascii) {
            (Err(_), "") => {}
            (Ok(email), _) if typed.contains("广告") => assert_eq!(email.display(), typed),
            (email, ascii) => {
                let email = email.expect(typed);
                assert_eq!((email.as_str(), email.display().as_str()), (ascii, typed));
            }
        }
    }
    assert_eq!(
        Email::parse("Max@MÜLLER.de"),
        Email::parse("max@mu\u{308}ller.de"),
        "case and composition do not matter"
    );
    assert_eq!(Email::parse("max@xn--mller-kva.de"), Email::parse("max@müller.de"));
}

#[test]
fn names_need_a_visible_character_and_keep_their_direction() {
    for nothing in [
        "\u{200b}",
        "\u{3164}",
        "\u{2800}",
        "\u{feff}\u{200d}",
        "\u{ad}",
        "\u{115f}\u{1160}",
        "\u{301}",
        "\u{e0041}",
        "\u{a0}",
    ] {
        assert!(FullName::parse(nothing).is_err() && ProductName::parse(nothing).is_err(), "{nothing:?}");
        assert!(AddressLine::parse(nothing).is_err() && PlaceName::parse(nothing).is_err(), "{nothing:?}");
        assert!(Subject::parse(nothing).is_err() && MessageText::parse(nothing).is_err(), "{nothing:?}");
    }
    for turned in ["\u{202e}adA", "Ada \u{202e}ecalevoL", "\u{2067}Ada", "\u{202a}Ada\u{202c}"] {
        assert!(FullName::parse(turned).is_err(), "{turned:?}");
    }
    for name in [
        "Nguyễn Văn A",
        "王小明",
        "山田 太郎",
        "김철수",
        "דוד",
        "محمد\u{200f}",
        "สมชาย",
        "राम\u{200d}",
        "👩\u{200d}🔧",
        "O’Neil",
    ] {
        assert_eq!(FullName::parse(name).expect(name).as_str(), name.trim());
    }
}

#[test]
fn country_is_one_that_iso_3166_1_assigns() {
    let assigned = ["DE", "US", "GB", "HK", "AE", "SS", "CW", "SX", "BQ", "AQ"];
    let not_assigned = ["XX", "UK", "ZZ", "EU", "XK", "AN", "SU", "YU", "AA", "de", "", "  "];
    assert_eq!(valid::<Country>(&[assigned.as_slice(), &not_assigned].concat()), assigned);
    let every: Vec<_> = (b'A'..=b'Z').flat_map(|a| (b'A'..=b'Z').map(move |b| [a, b])).collect();
    let count = every.iter().filter(|code| Country::parse(&String::from_utf8_lossy(*code)).is_ok()).count();
    assert_eq!(count, 249, "ISO 3166-1 as of November 2026");
}
