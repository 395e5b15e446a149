//! Layout and content of invoices, as far as a program can check them.

mod injection;
mod scripts;

use super::*;
use ports::InvoiceRenderer;
use serde_json::json;
use std::path::Path;

fn invoice(names: &[&str]) -> Invoice {
    let unit = 129_900_i64;
    let lines: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            json!({
                "product_id": "0192f0c1-2345-7abc-8def-0123456789ab",
                "product_name": name,
                "quantity": n + 1,
                "unit_price": { "amount": unit, "currency": "USD" },
                "line_total": { "amount": unit * i64::try_from(n + 1).unwrap(), "currency": "USD" },
            })
        })
        .collect();
    let draft = json!({
        "order_id": "0192f0c1-2345-7abc-8def-0123456789ab",
        "user_id": "0192f0c1-2345-7abc-8def-0123456789ac",
        "payment_id": "0192f0c1-2345-7abc-8def-0123456789ad",
        "lines": lines,
        "totals": {
            "subtotal": { "amount": 123_455_289, "currency": "USD" },
            "shipping_method": "express",
            "shipping": { "amount": 1_500, "currency": "USD" },
            "tax": { "amount": 0, "currency": "USD" },
            "tax_included": false,
            "taxes": [],
        },
        "seller": ["Quayside Ltd", "1 Harbour Way", "Dublin D01 X2X2", "VAT IE1234567T"],
        "total": { "amount": 123_456_789, "currency": "USD" },
        "address": {
            "line1": "1 Embarcadero Center",
            "line2": "Suite 400",
            "city": "San Francisco",
            "region": "CA",
            "postal_code": "94111",
            "country": "US",
        },
    });
    Invoice {
        position: 42,
        series: "2026".into(),
        issued_on: "2026-11-21".parse().unwrap(),
        issued_at: "2026-11-21T08:45:00Z".parse().unwrap(),
        draft: serde_json::from_value(draft).unwrap(),
    }
}

/// Where scripts/setup put the font files. A test that needs them and finds none fails.
fn fonts_directory() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tools = std::fs::read_to_string(root.join(".local/tools")).unwrap_or_default();
    let fonts = tools.lines().find_map(|line| line.strip_prefix("fonts="));
    fonts.expect("the fonts are missing: run scripts/setup").into()
}

fn pages(names: &[&str]) -> usize {
    let fonts = Fonts::new(fonts_directory());
    let faces = Typefaces::new(&fonts).unwrap();
    let invoice = invoice(names);
    let rows: Vec<_> = invoice.draft.lines.iter().map(|line| Row::new(line, &faces)).collect();
    let pages = paginate(&rows, first_table(&invoice.draft.seller, &address(&invoice.draft.address, &faces)), 110.0);
    assert_eq!(pages.iter().map(|page| page.len()).sum::<usize>(), names.len(), "every line is on one page");
    assert!(pages.iter().skip(1).all(|page| !page.is_empty()));
    pages.len()
}

/// Renders the invoice, and writes the file for inspection if `QUAYSIDE_INVOICES` names a directory.
fn render(name: &str, invoice: &Invoice) -> Vec<u8> {
    let bytes = PdfInvoiceRenderer::new(fonts_directory()).render(invoice).unwrap();
    keep(name, &bytes);
    bytes
}

fn keep(name: &str, bytes: &[u8]) {
    if let Ok(directory) = std::env::var("QUAYSIDE_INVOICES") {
        std::fs::write(format!("{directory}/{name}.pdf"), bytes).unwrap();
    }
}

const LONG: &str =
    "Hand-made brass ship's lantern with a fresnel lens, oil burner and an improbably long name that goes on";

#[test]
fn rendering_is_deterministic() {
    let (one, two) = (invoice(&["Lamp", LONG]), invoice(&["Lamp", LONG]));
    let bytes = render("usual", &one);
    assert!(bytes.starts_with(b"%PDF-"));
    assert_eq!(bytes, render("usual", &two));
    assert_ne!(bytes, render("other", &Invoice { position: 43, ..two }));
}

#[test]
fn long_invoice_continues_on_further_pages_with_the_total_on_the_last() {
    assert_eq!(pages(&["Lamp"]), 1);
    for lines in 1..=100 {
        let at_most = 1 + lines / 15;
        assert!(pages(&vec!["Lamp"; lines]) <= at_most, "{lines}");
    }
    let names: Vec<_> = (0..60).map(|n| if n % 3 == 0 { LONG } else { "Rope, 10 m" }).collect();
    assert!(pages(&names) >= 3);
    render("long", &invoice(&names));
}

#[test]
fn names_in_any_script_and_without_spaces_are_rendered() {
    let endless = "W".repeat(200);
    render(
        "scripts",
        &invoice(&["Лампа морская", "Φανός", "船灯・ランタン", "مصباح", "🛟 Lifebuoy", "Été à l'Île", &endless]),
    );
}

#[test]
fn invoice_states_the_number_and_the_id_of_its_order() {
    let text = scripts::extract(&render("order", &invoice(&["Lamp"])));
    for part in ["ORDER NUMBER", "0123456789AB", "0192f0c1-2345-7abc-8def-0123456789ab"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn included_and_added_tax_is_listed_by_rate() {
    let taxes = json!([
        { "rate": "7", "taxed": { "amount": 1_070, "currency": "USD" }, "amount": { "amount": 70, "currency": "USD" } },
        { "rate": "8.875", "taxed": { "amount": 2_000, "currency": "USD" }, "amount": { "amount": 178, "currency": "USD" } },
    ]);
    let mut invoice = invoice(&["Lamp", "Chart"]);
    invoice.draft.totals.taxes = serde_json::from_value(taxes).unwrap();
    for (name, is_included, lines) in [
        ("tax-included", true, ["Includes 7 % tax in 10.70", "Includes 8.875 % tax in 20.00"]),
        ("tax-added", false, ["Tax 7 % on 10.70", "Tax 8.875 % on 20.00"]),
    ] {
        invoice.draft.totals.tax_included = is_included;
        let bytes = render(name, &invoice);
        let text = scripts::extract(&bytes);
        for line in ["Subtotal", "Shipping (express)", lines[0], lines[1], "1,234,567.89 USD"] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
    }
}

#[test]
fn credit_note_states_its_invoice_the_refund_and_its_tax() {
    let mut invoice = invoice(&["Lamp"]);
    let tax = json!([{
        "rate": "19", "taxed": { "amount": 123_456_789, "currency": "USD" }, "amount": { "amount": 19_711_588, "currency": "USD" },
    }]);
    invoice.draft.totals.taxes = serde_json::from_value(tax).unwrap();
    invoice.draft.totals.tax_included = true;
    let usd = |minor| Money::new(minor, "USD").unwrap();
    let refund = domain::credit_note::Refund {
        refund_id: domain::id::RefundId(kernel::Uuid::nil()),
        order_id: invoice.draft.order_id,
        amount: usd(61_728_394),
        refunded: usd(61_728_394),
    };
    let draft = domain::credit_note::draft(&invoice, refund).unwrap();
    let (series, issued_on, issued_at) = ("CN-2026".to_owned(), invoice.issued_on, invoice.issued_at);
    let note = domain::credit_note::CreditNote { position: 7, series, issued_on, issued_at, draft };
    let renderer = PdfInvoiceRenderer::new(fonts_directory());
    let bytes = ports::CreditNoteRenderer::render_credit_note(&renderer, &note).unwrap();
    assert_eq!(bytes, ports::CreditNoteRenderer::render_credit_note(&renderer, &note).unwrap());
    keep("credit-note", &bytes);
    let text = scripts::extract(&bytes);
    for part in [
        "Credit note",
        "CN-2026-000007",
        "Refund of invoice 2026-000042 of 21 November 2026",
        "617,283.94 USD",
        "Includes 19 % tax in 617,283.94",
        "98,557.94",
        "0123456789AB",
        "0192f0c1-2345-7abc-8def-0123456789ab",
        "VAT IE1234567T",
        "1 Embarcadero Center",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let draft = domain::credit_note::cancellation(&note);
    let cancellation = domain::credit_note::CreditNote { position: 8, draft, ..note };
    let bytes = ports::CreditNoteRenderer::render_credit_note(&renderer, &cancellation).unwrap();
    keep("cancellation", &bytes);
    let text = scripts::extract(&bytes);
    for part in
        ["Cancellation", "CN-2026-000008", "Cancels credit note CN-2026-000007 for invoice 2026-000042", "617,283.94"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn long_address_is_complete_and_moves_the_table_down() {
    let mut invoice = invoice(&["Lamp"]);
    let fonts = Fonts::new(fonts_directory());
    let faces = Typefaces::new(&fonts).unwrap();
    let usual = first_table(&invoice.draft.seller, &address(&invoice.draft.address, &faces));
    invoice.draft.address.line1 = domain::text::AddressLine::parse(&"Long street name ".repeat(11)).unwrap();
    invoice.draft.address.line2 = Some(invoice.draft.address.line1.clone());
    let long = address(&invoice.draft.address, &faces);
    assert!(long.len() > 7 && first_table(&invoice.draft.seller, &long) > usual);
    render("address", &invoice);
}

#[test]
fn amounts_have_thousands_separators_and_the_digits_of_their_currency() {
    let amount = |minor, code| format_amount(Money::new(minor, code).unwrap());
    assert_eq!(amount(123_456_789, "USD"), "1,234,567.89");
    assert_eq!(amount(5, "USD"), "0.05");
    assert_eq!(amount(1_234_567, "JPY"), "1,234,567");
    assert_eq!(amount(100, "USD"), "1.00");
}

#[test]
fn no_wrapped_line_is_wider_than_its_column() {
    let fonts = Fonts::new(fonts_directory());
    let faces = Typefaces::new(&fonts).unwrap();
    for text in [LONG, &"W".repeat(200), "a", ""] {
        for line in wrap(text, ROW_TEXT, NAME_WIDTH, &faces) {
            assert!(line.width * ROW_TEXT <= NAME_WIDTH, "{}", line.text);
        }
    }
}
