//! Names and addresses that mean something to PDF, to a markup language or to a template are drawn as texts.

use super::{scripts::extract, *};
use domain::text::{AddressLine, FullName, PlaceName, ProductName};
use std::collections::BTreeSet;

const HOSTILE: [&str; 36] = [
    "(unbalanced",
    "unbalanced)",
    "\\) \\( \\\\",
    "(\\051) Tj ET BT",
    "BT /F1 99 Tf (x) Tj ET",
    "q 1 0 0 rg 0 0 99 99 re f Q",
    "endstream endobj",
    "4 0 obj <</Length 0>> stream",
    "trailer <</Root 1 0 R>>",
    "startxref 0 %%EOF",
    "%PDF-1.4 %comment",
    "<</S/JavaScript/JS(app.alert(1))>>",
    "<</S/Launch/F(calc.exe)>>",
    "/OpenAction /AA /URI",
    "<48656c6c6f>",
    "/Name#20with#20spaces",
    "#set text(red)",
    "#include \"/etc/passwd\"",
    "#{ 7 * 7 } $x^2$ @ref",
    "= heading *bold* _it_ `code`",
    "\\input{/etc/passwd} \\write18{id}",
    "[here](javascript:alert(1))",
    "https://evil.example/?a=b",
    "{{ 7 * 7 }} {% raw %}",
    "${7*7} <%= 7 * 7 %>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; &#60;",
    "%s %n {0} $1",
    "=cmd|' /C calc'!A1",
    "line\u{2028}separator",
    "no\u{a0}break",
    "zero\u{200b}width\u{feff}joined",
    "שלום עולם",
    "محمد الأحمد",
    "'; DROP TABLE orders; -- x",
];

/// Names of PDF that a document has when it does something else than to show text and shapes.
const ACTIONS: [&str; 9] =
    ["JavaScript", "JS", "OpenAction", "AA", "Launch", "URI", "Annots", "EmbeddedFile", "AcroForm"];

/// An invoice with all texts as names of products, and some of them in its address.
fn hostile(address: &[&str; 5]) -> Invoice {
    let mut invoice = invoice(&HOSTILE);
    let [name, line1, line2, city, region] = *address;
    let to = &mut invoice.draft.address;
    to.name = Some(FullName::parse(name).unwrap());
    to.line1 = AddressLine::parse(line1).unwrap();
    to.line2 = Some(AddressLine::parse(line2).unwrap());
    to.city = Some(PlaceName::parse(city).unwrap());
    to.region = Some(PlaceName::parse(region).unwrap());
    invoice
}

fn credit_note(invoice: &Invoice) -> domain::credit_note::CreditNote {
    let amount = Money::new(100, "USD").unwrap();
    let refund_id = domain::id::RefundId(kernel::Uuid::nil());
    let refund = domain::credit_note::Refund { refund_id, order_id: invoice.draft.order_id, amount, refunded: amount };
    let draft = domain::credit_note::draft(invoice, refund).unwrap();
    let (series, issued_on, issued_at) = ("CN-2026".to_owned(), invoice.issued_on, invoice.issued_at);
    domain::credit_note::CreditNote { position: 7, series, issued_on, issued_at, draft }
}

/// A text without what takes no ink.
fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !crate::typeface::is_ignorable(*c)).collect()
}

/// The objects of a document without the contents of its streams.
fn objects(pdf: &[u8]) -> String {
    let text = String::from_utf8_lossy(pdf);
    let parts = text.split("endstream").map(|part| part.split("stream\n").next().unwrap_or_default());
    parts.collect()
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

#[track_caller]
fn assert_shown(pdf: &[u8], texts: &[&str], times: usize) {
    let shown = visible(&extract(pdf));
    for text in texts {
        assert!(shown.matches(&visible(text)).count() >= times, "{text} in {shown}");
    }
    let objects = objects(pdf);
    let names: BTreeSet<&str> = objects.split('/').skip(1).map(first_word).collect();
    assert!(names.contains("Catalog") && names.contains("Pages"), "the objects are readable");
    for action in ACTIONS {
        assert!(!names.contains(action), "{action}");
    }
}

#[test]
fn hostile_names_and_addresses_are_drawn_as_texts() {
    let renderer = PdfInvoiceRenderer::new(fonts_directory());
    let usual = pages(&["Lamp"; HOSTILE.len()]);
    for (n, start) in (0..HOSTILE.len()).step_by(5).enumerate() {
        let address: [&str; 5] = std::array::from_fn(|part| HOSTILE[(start + part) % HOSTILE.len()]);
        let invoice = hostile(&address);
        let bytes = render(&format!("hostile-{n}"), &invoice);
        assert_shown(&bytes, &HOSTILE, 1);
        assert_shown(&bytes, &address, 2);
        assert!(objects(&bytes).contains(&format!("/Count {usual}")), "no page more than usual");
        let note = ports::CreditNoteRenderer::render_credit_note(&renderer, &credit_note(&invoice)).unwrap();
        keep(&format!("hostile-note-{n}"), &note);
        assert_shown(&note, &address, 1);
    }
}

#[test]
fn texts_that_no_document_could_show_are_no_names() {
    for text in ["two\nlines", "two\r\nlines", "\0", "\u{1b}[2J", "\u{202e}live.exe", "\u{2066}x", &"x".repeat(10_000)]
    {
        assert!(ProductName::parse(text).is_err() && FullName::parse(text).is_err(), "{text:?}");
        assert!(AddressLine::parse(text).is_err() && PlaceName::parse(text).is_err(), "{text:?}");
    }
}
