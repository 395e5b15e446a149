//! Names in the scripts of the world: in one font each, in the right direction, and extracted as they were typed.

use super::*;
use crate::{
    fonts::FontName,
    pieces::{cut, direction},
};
use domain::text::{AddressLine, FullName, PlaceName, ProductName};
use proptest::prelude::*;
use std::process::{Command, Stdio};

/// A name in each script, with more than one word where the script has words, marks, conjuncts and ligatures.
const NAMES: [(&str, &str, FontName); 8] = [
    ("vietnamese", "Nguyễn Thị Ngọc Ánh", FontName::World),
    ("chinese", "欧阳晓明", FontName::EastAsian),
    ("japanese", "渡辺 さくら・ケンジ", FontName::EastAsian),
    ("korean", "김철수 박영희", FontName::EastAsian),
    ("hebrew", "דוד בן־גוריון כהן", FontName::World),
    ("arabic", "محمد عبد الله الأحمد فِكْر", FontName::World),
    ("thai", "กิตติพงษ์ ดีมาก น้ำใจ ที่รัก", FontName::World),
    ("hindi", "राजेश विद्यार्थी शर्मा क्षत्रिय हिन्दू", FontName::Devanagari),
];

/// What pdftotext reads, without the control characters that it puts around text that runs from right to left.
pub(super) fn extract(pdf: &[u8]) -> String {
    let mut child = Command::new("pdftotext")
        .args(["-enc", "UTF-8", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pdftotext is missing: run scripts/setup");
    let mut input = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut input, pdf).unwrap());
    });
    let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    text.chars().filter(|c| !matches!(c, '\u{202a}'..='\u{202e}')).collect()
}

/// An invoice with the name as its buyer, its address and its product.
fn named(name: &str) -> Invoice {
    let mut invoice = invoice(&[name, "Lamp"]);
    invoice.draft.address.name = Some(FullName::parse(name).unwrap());
    invoice.draft.address.line1 = AddressLine::parse(name).unwrap();
    invoice.draft.address.city = Some(PlaceName::parse(name).unwrap());
    invoice
}

#[test]
fn text_that_is_extracted_is_the_name_in_all_scripts() {
    for (script, name, _) in NAMES {
        let text = extract(&render(script, &named(name)));
        assert_eq!(text.matches(name).count(), 4, "{script}: {name} in {text}");
    }
}

#[test]
fn name_is_drawn_in_one_font_and_no_other_is_read() {
    for (script, name, font) in NAMES.into_iter().chain([("latin", "Zoë Łukasz Ωmega Жук", FontName::Latin)]) {
        let fonts = Fonts::new(fonts_directory());
        let faces = Typefaces::new(&fonts).unwrap();
        let line = Line::new(name, 0.0, &faces);
        assert!(line.runs.iter().all(|run| run.font == font), "{script}");
        assert_eq!(line.replaced, 0, "{script}");
        for file in FontName::ALL.into_iter().filter(|other| *other != font && other.file().is_some()) {
            assert!(!fonts.was_read(file), "{script} reads {file:?}");
        }
    }
}

/// The parts of a line from left to right.
fn drawn(line: &str) -> Vec<&str> {
    let fonts = Fonts::new(fonts_directory());
    let faces = Typefaces::new(&fonts).unwrap();
    cut(line, direction(line), &faces).into_iter().map(|piece| &line[piece.range]).collect()
}

#[test]
fn right_to_left_text_is_drawn_with_latin_and_numbers_in_their_places() {
    assert_eq!(drawn("דוד כהן GmbH 12"), ["GmbH 12", "דוד כהן "]);
    assert_eq!(drawn("רחוב הרצל 12"), ["12", "רחוב הרצל "]);
    assert_eq!(drawn("Hotel דוד 5"), ["Hotel ", "5", "דוד "]);
    assert_eq!(drawn("شارع 15 مايو"), [" مايو", "15", "شارع "]);
    // No font has Syriac.
    assert_eq!(drawn("דוד ܐ"), ["ܐ", "דוד "]);
}

#[test]
fn letters_are_joined_and_ordered_as_their_script_asks() {
    let fonts = Fonts::new(fonts_directory());
    let faces = Typefaces::new(&fonts).unwrap();
    let glyphs = |text: &str| -> Vec<_> {
        let line = Line::new(text, 0.0, &faces);
        line.runs.iter().flat_map(|run| &run.glyphs).map(|glyph| glyph.glyph_id).collect()
    };
    let starts: Vec<_> =
        Line::new("דוד", 0.0, &faces).runs[0].glyphs.iter().map(|glyph| glyph.text_range.start).collect();
    assert_eq!(starts, [4, 2, 0], "the first letter is on the right");
    let apart: Vec<_> = ["ه", "ه", "ه"].into_iter().flat_map(glyphs).collect();
    assert!(glyphs("ههه").iter().all(|glyph| !apart.contains(glyph)), "none has its isolated form");
    // The vowel sign is typed after its letter and drawn before it.
    assert_eq!(glyphs("कि").len(), 2);
    assert_eq!(glyphs("कि").last(), glyphs("क").first());
}

#[test]
fn character_without_font_is_replaced_by_its_code_and_extracted_as_typed() {
    let fonts = Fonts::new(fonts_directory());
    let faces = Typefaces::new(&fonts).unwrap();
    for (name, replaced) in
        [("Lifebuoy 🛟", 1), ("👩\u{200d}👧 Ada", 2), ("𠮷野家", 1), ("𝕬da", 1), ("Ada ☃\u{fe0f}", 1), ("ᚠᚢ", 2)]
    {
        let line = Line::new(name, 0.0, &faces);
        assert_eq!((line.replaced, line.runs.iter().filter(|run| run.code.is_some()).count()), (replaced, replaced));
        let text = extract(&render("replaced", &named(name)));
        let visible = |text: &str| text.replace(['\u{200d}', '\u{fe0f}'], "");
        assert_eq!(visible(&text).matches(&visible(name)).count(), 4, "{name} in {text}");
    }
}

#[test]
fn missing_font_files_replace_characters_and_fail_nothing() {
    let without = PdfInvoiceRenderer::new("/nonexistent".into());
    for (_, name, _) in NAMES {
        assert!(without.render(&named(name)).unwrap().starts_with(b"%PDF-"));
    }
    let faces = Typefaces::new(&without.fonts).unwrap();
    assert_eq!(Line::new("Jo 김", 0.0, &faces).replaced, 1);
}

/// The texts of the lines into which a text is wrapped, at ten points.
fn wrapped(text: &str, width: f32) -> Vec<String> {
    let fonts = Fonts::new(fonts_directory());
    let faces = Typefaces::new(&fonts).unwrap();
    wrap(text, 10.0, width, &faces).into_iter().map(|line| line.text).collect()
}

#[test]
fn lines_break_where_the_script_permits() {
    // Thai has no spaces between words: "to-eat rice with friends at home".
    assert_eq!(wrapped("กินข้าวกับเพื่อนที่บ้าน", 45.0), ["กินข้าวกับ", "เพื่อนที่", "บ้าน"]);
    // No line of Japanese begins with a closing bracket or a full stop.
    assert_eq!(wrapped("船灯「ランタン」。", 72.0), ["船灯「ランタ", "ン」。"]);
    assert_eq!(wrapped("Rope, ten metres", 50.0), ["Rope, ten", "metres"]);
    // A word that is too wide is divided between characters, not between a letter and its marks.
    for part in wrapped(&"क्षि".repeat(30), 60.0) {
        assert!(part.chars().count().is_multiple_of(4), "{part}");
    }
}

#[test]
fn wrapped_lines_of_right_to_left_text_end_at_one_edge() {
    let fonts = Fonts::new(fonts_directory());
    let faces = Typefaces::new(&fonts).unwrap();
    let ends = |text: &str| -> Vec<_> {
        let lines = wrap(text, 10.0, 90.0, &faces);
        assert!(lines.len() > 1);
        lines.iter().map(|line| (line.indent + line.width).to_bits()).collect()
    };
    let hebrew = ends("דוד בן־גוריון כהן דוד בן־גוריון");
    assert!(hebrew.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(wrap(LONG, 10.0, 90.0, &faces).iter().all(|line| line.indent == 0.0));
}

#[test]
fn long_names_in_every_script_continue_over_lines_and_pages() {
    let names: Vec<String> = NAMES.iter().cycle().take(60).map(|(_, name, _)| [*name; 5].join(" ")).collect();
    let names: Vec<&str> = names.iter().map(|name| ProductName::parse(name).map(|_| name.as_str()).unwrap()).collect();
    assert!(pages(&names) >= 3);
    render("every-script", &invoice(&names));
}

/// Characters of all kinds, weighted towards those that names have.
fn any_name() -> impl Strategy<Value = String> {
    let letters = "[a-zA-ZÀ-ỹ0-9 ,.-]|[א-ת\u{591}-\u{5c7}]|[\u{600}-\u{6ff}]|[\u{900}-\u{97f}]|[\u{e01}-\u{e5b}]|[ぁ-ヿ一-龥가-힣]";
    let one = prop_oneof![6 => letters.prop_map(String::from), 1 => any::<char>().prop_map(String::from)];
    proptest::collection::vec(one, 1..60).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_name_is_wrapped_without_loss_and_fits_its_column(name in any_name()) {
        let fonts = Fonts::new(fonts_directory());
        let faces = Typefaces::new(&fonts).unwrap();
        let lines = wrap(&name, ROW_TEXT, NAME_WIDTH, &faces);
        let without_spaces = |text: &str| text.split_whitespace().collect::<String>();
        let joined: String = lines.iter().map(|line| line.text.as_str()).collect();
        prop_assert_eq!(without_spaces(&joined), without_spaces(&name));
        for line in &lines {
            prop_assert!(line.width * ROW_TEXT <= NAME_WIDTH || line.text.chars().count() < 30, "{}", line.text);
            let ranges = line.runs.iter().flat_map(|run| &run.glyphs).map(|glyph| glyph.text_range.clone());
            for range in ranges {
                prop_assert!(line.text.get(range).is_some());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_valid_name_gives_an_invoice(names in proptest::collection::vec(any_name(), 1..8)) {
        let valid: Vec<_> = names.iter().filter(|name| ProductName::parse(name).is_ok()).map(String::as_str).collect();
        let mut invoice = invoice(&valid);
        if let Some(line) = valid.first().and_then(|name| AddressLine::parse(name).ok()) {
            invoice.draft.address.line1 = line;
        }
        let pdf = PdfInvoiceRenderer::new(fonts_directory()).render(&invoice);
        prop_assert!(pdf.is_ok_and(|bytes| bytes.starts_with(b"%PDF-")));
    }
}
