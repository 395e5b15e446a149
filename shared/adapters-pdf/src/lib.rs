//! Invoices as PDF, A4, on as many pages as their lines need.
//!
//! The same invoice gives the same bytes: date and ids of the document come from the invoice, and nothing else varies. The
//! typeface is Ubuntu Light, whose licence (Ubuntu Font Licence 1.0) lets it be embedded in documents. It has Latin, Greek and
//! Cyrillic letters; what it lacks shows as an empty box.
#![allow(clippy::float_arithmetic)] // Points on paper. Money stays in integers until it is text.

mod sheet;
#[cfg(test)]
mod tests;
mod typeface;

use domain::invoice::{Draft, Invoice};
use domain::money::Money;
use domain::order::OrderLine;
use kernel::Failure;
use krilla::Document;
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use sheet::{ACCENT, Anchor, FAINT, INK, MUTED, Sheet, Style, WHITE};
use typeface::Typeface;

/// A4, in points.
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
const LEFT: f32 = 56.0;
const RIGHT: f32 = WIDTH - LEFT;
/// Height of the band at the head of the first page.
const BAND: f32 = 96.0;
/// Where lines end and the foot of a page begins.
const FLOOR: f32 = HEIGHT - 84.0;

/// Right edges of the columns of numbers, and the width that the name has.
const QUANTITY: f32 = 360.0;
const UNIT_PRICE: f32 = 450.0;
const NAME_WIDTH: f32 = QUANTITY - LEFT - 48.0;

const ROW_TEXT: f32 = 9.5;
const LEADING: f32 = 13.0;
const ROW_PADDING: f32 = 7.0;
/// Table head, and the room that the total needs below the last line.
const TABLE_HEAD: f32 = 26.0;
const TOTAL: f32 = 74.0;

/// Draws invoices.
#[derive(Debug, Clone, Copy, Default)]
pub struct PdfInvoiceRenderer;

impl ports::InvoiceRenderer for PdfInvoiceRenderer {
    fn render(&self, invoice: &Invoice) -> Result<Vec<u8>, Failure> {
        let face = Typeface::load().ok_or_else(|| Failure::internal("the typeface cannot be read"))?;
        let rows: Vec<Row<'_>> = invoice.draft.lines.iter().map(|line| Row::new(line, &face)).collect();
        let address = address(&invoice.draft, &face);
        let pages = paginate(&rows, first_table(&address));
        let mut document = Document::new();
        document.set_metadata(metadata(invoice));
        for (n, rows) in pages.iter().enumerate() {
            let settings =
                PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| Failure::internal("a page has no size"))?;
            let mut page = document.start_page_with(settings);
            let mut sheet = Sheet::new(page.surface(), &face);
            let top = if n == 0 { head(&mut sheet, invoice, &address) } else { head_again(&mut sheet, invoice) };
            let bottom = table(&mut sheet, rows, invoice.draft.total, top);
            if n + 1 == pages.len() {
                total(&mut sheet, invoice.draft.total, bottom);
            }
            foot(&mut sheet, n + 1, pages.len());
            sheet.finish();
            page.finish();
        }
        document.finish().map_err(|cause| Failure::internal(format!("the invoice cannot be drawn: {cause:?}")))
    }
}

/// A line of the invoice, its name broken into what fits its column.
struct Row<'a> {
    line: &'a OrderLine,
    name: Vec<String>,
}

impl<'a> Row<'a> {
    fn new(line: &'a OrderLine, face: &Typeface) -> Self {
        Self { line, name: face.wrap(line.product_name.as_str(), ROW_TEXT, NAME_WIDTH) }
    }

    fn height(&self) -> f32 {
        // A name has at most some tens of lines.
        f32::from(u16::try_from(self.name.len()).unwrap_or(u16::MAX)) * LEADING + ROW_PADDING
    }
}

/// Where the table begins on every page but the first.
const NEXT_TABLE: f32 = 84.0;
/// Base line of the first line of the address, and from line to line.
const ADDRESS: f32 = BAND + 60.0;
const ADDRESS_LEADING: f32 = 15.0;
const ADDRESS_TEXT: f32 = 10.5;
const ADDRESS_WIDTH: f32 = 240.0;

/// Where the table begins on the first page: below the facts, and below an address that is longer.
fn first_table(address: &[String]) -> f32 {
    let lines = f32::from(u16::try_from(address.len()).unwrap_or(u16::MAX));
    (BAND + 214.0).max(ADDRESS + lines * ADDRESS_LEADING + 30.0)
}

/// The address in lines that fit its column.
fn address(draft: &Draft, face: &Typeface) -> Vec<String> {
    adapters::postal::lines(&draft.address)
        .iter()
        .flat_map(|line| face.wrap(line, ADDRESS_TEXT, ADDRESS_WIDTH))
        .collect()
}

/// Which rows go on which page. The total stands below the last row, and if there is no room for it, with that row on a new page.
fn paginate<'a, 'b>(rows: &'b [Row<'a>], first_table: f32) -> Vec<&'b [Row<'a>]> {
    let mut pages = Vec::new();
    let (mut start, mut y) = (0, first_table + TABLE_HEAD);
    for (n, row) in rows.iter().enumerate() {
        let below = if n + 1 == rows.len() { TOTAL } else { 0.0 };
        if y + row.height() + below > FLOOR && n > start {
            pages.push(rows.get(start..n).unwrap_or_default());
            (start, y) = (n, NEXT_TABLE + TABLE_HEAD);
        }
        y += row.height();
    }
    pages.push(rows.get(start..).unwrap_or_default());
    pages
}

/// The head of the first page; answers where the table begins.
fn head(sheet: &mut Sheet<'_, '_>, invoice: &Invoice, address: &[String]) -> f32 {
    let Draft { order_id, payment_id, issued_at, .. } = &invoice.draft;
    sheet.rectangle(0.0, 0.0, WIDTH, BAND, ACCENT);
    sheet.text("QUAYSIDE", LEFT, 58.0, Style::new(24.0, WHITE).heavy().spaced(0.08));
    sheet.text("Invoice", RIGHT, 58.0, Style::new(20.0, WHITE).at(Anchor::End));

    let label = Style::new(8.0, MUTED).spaced(0.05);
    sheet.text("DELIVERED TO", LEFT, BAND + 42.0, label);
    let mut y = ADDRESS;
    for line in address {
        sheet.text(line, LEFT, y, Style::new(ADDRESS_TEXT, INK));
        y += ADDRESS_LEADING;
    }

    let facts = [
        ("INVOICE NUMBER", invoice.number(), 10.5),
        ("DATE", issued_at.strftime("%-d %B %Y").to_string(), 10.5),
        ("ORDER", order_id.to_string(), 9.0),
        ("PAYMENT", payment_id.to_string(), 9.0),
    ];
    let mut y = BAND + 42.0;
    for (name, value, size) in facts {
        sheet.text(name, 330.0, y, label);
        sheet.text(&value, 330.0, y + 15.0, Style::new(size, INK));
        y += 38.0;
    }
    first_table(address)
}

/// The head of every further page; answers where the table begins.
fn head_again(sheet: &mut Sheet<'_, '_>, invoice: &Invoice) -> f32 {
    sheet.text("QUAYSIDE", LEFT, 52.0, Style::new(12.0, ACCENT).heavy().spaced(0.08));
    let number = format!("Invoice {}", invoice.number());
    sheet.text(&number, RIGHT, 52.0, Style::new(10.0, MUTED).at(Anchor::End));
    NEXT_TABLE
}

/// The table; answers where it ends.
fn table(sheet: &mut Sheet<'_, '_>, rows: &[Row<'_>], total: Money, top: f32) -> f32 {
    let label = Style::new(8.0, MUTED).spaced(0.05);
    let right = label.at(Anchor::End);
    sheet.text("DESCRIPTION", LEFT, top, label);
    sheet.text("QUANTITY", QUANTITY, top, right);
    sheet.text("UNIT PRICE", UNIT_PRICE, top, right);
    sheet.text(&format!("AMOUNT ({})", total.currency.code()), RIGHT, top, right);
    sheet.rectangle(LEFT, top + 8.0, RIGHT - LEFT, 0.8, INK);

    let (text, number) = (Style::new(ROW_TEXT, INK), Style::new(ROW_TEXT, INK).at(Anchor::End));
    let mut y = top + TABLE_HEAD;
    for row in rows {
        sheet.text(&grouped(&row.line.quantity.get().to_string()), QUANTITY, y, number);
        sheet.text(&figure(row.line.unit_price), UNIT_PRICE, y, number);
        sheet.text(&figure(row.line.line_total), RIGHT, y, number);
        for part in &row.name {
            sheet.text(part, LEFT, y, text);
            y += LEADING;
        }
        y += ROW_PADDING;
        sheet.rectangle(LEFT, y - LEADING - 1.0, RIGHT - LEFT, 0.4, FAINT);
    }
    y
}

fn total(sheet: &mut Sheet<'_, '_>, total: Money, top: f32) {
    let y = top + 20.0;
    sheet.rectangle(300.0, y - 18.0, RIGHT - 300.0, 32.0, FAINT);
    sheet.text("Total", 312.0, y + 2.0, Style::new(11.0, INK));
    let sum = format!("{} {}", figure(total), total.currency.code());
    sheet.text(&sum, RIGHT - 12.0, y + 2.0, Style::new(13.0, ACCENT).heavy().at(Anchor::End));
    sheet.text("Paid by card. Nothing is left to pay.", RIGHT, y + 34.0, Style::new(8.5, MUTED).at(Anchor::End));
}

fn foot(sheet: &mut Sheet<'_, '_>, page: usize, pages: usize) {
    let y = HEIGHT - 44.0;
    let small = Style::new(8.0, MUTED);
    sheet.rectangle(LEFT, y - 16.0, RIGHT - LEFT, 0.4, FAINT);
    sheet.text("Thank you for shopping at Quayside.", LEFT, y, small);
    sheet.text(&format!("Page {page} of {pages}"), RIGHT, y, small.at(Anchor::End));
}

/// An amount without its currency, thousands apart: `1,234.56`.
fn figure(money: Money) -> String {
    let text = money.to_string();
    let number = text.split(' ').next().unwrap_or_default();
    match number.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", grouped(whole)),
        None => grouped(number),
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn metadata(invoice: &Invoice) -> Metadata {
    let at = invoice.draft.issued_at.to_zoned(jiff::tz::TimeZone::UTC);
    let date = DateTime::new(at.year().unsigned_abs())
        .month(at.month().unsigned_abs())
        .day(at.day().unsigned_abs())
        .hour(at.hour().unsigned_abs())
        .minute(at.minute().unsigned_abs())
        .second(at.second().unsigned_abs())
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(format!("Invoice {}", invoice.number()))
        .authors(vec!["Quayside".to_owned()])
        .language("en".to_owned())
        .creation_date(date)
        .document_id(format!("{}/{}", catalog::PREFIX, invoice.key()))
}
