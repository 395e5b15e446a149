//! Renders invoices and credit notes as PDF, in A4, on as many pages as their lines need.
//!
//! The output is deterministic: the date and the ids of the document come from the invoice, and the fonts are pinned. Ubuntu Light is in the
//! binary; FiraGO and Droid Sans Fallback are files of the package that are read when a text needs them ([`fonts`]). Their licences are in
//! `FONTS.txt`. A character that no font has is drawn as its code in a frame.
#![allow(clippy::float_arithmetic)] // Coordinates in points. Amounts of money stay integers until they are formatted.

mod credit_note;
mod extraction;
mod fonts;
mod line;
mod pieces;
mod sheet;
mod summary;
#[cfg(test)]
mod tests;
mod typeface;

use domain::address::Address;
use domain::id::OrderId;
use domain::invoice::{Invoice, Seller};
use domain::money::Money;
use domain::order::OrderLine;
use edge::telemetry::metrics;
use fonts::Fonts;
use kernel::{Failure, Timestamp};
use krilla::Document;
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use line::{Line, wrap};
use sheet::{ACCENT, Anchor, FAINT, INK, MUTED, Sheet, Style, WHITE};
use std::{io, path::PathBuf};
use summary::InvoiceTotals;
use typeface::Typefaces;

/// A4 in points.
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
const LEFT: f32 = 56.0;
const RIGHT: f32 = WIDTH - LEFT;
/// The height of the colored header of the first page.
const HEADER: f32 = 96.0;
/// The lower limit of table rows.
const TABLE_BOTTOM: f32 = HEIGHT - 84.0;

/// The right edges of the number columns, and the width of the name column.
const QUANTITY: f32 = 330.0;
const UNIT_PRICE: f32 = 406.0;
const TAX_RATE: f32 = 456.0;
const NAME_WIDTH: f32 = QUANTITY - LEFT - 48.0;

const ROW_TEXT: f32 = 9.5;
const LEADING: f32 = 13.0;
const ROW_PADDING: f32 = 7.0;
/// The height of the table head.
const TABLE_HEAD: f32 = 26.0;

#[derive(Debug)]
pub struct PdfInvoiceRenderer {
    fonts: Fonts,
}

impl PdfInvoiceRenderer {
    /// Renders with the font files in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        Self { fonts: Fonts::new(directory) }
    }

    /// Renders with the font files of the function's package, in the directory `fonts` beside the program.
    pub fn packaged() -> io::Result<Self> {
        Ok(Self { fonts: Fonts::beside_program()? })
    }
}

impl ports::InvoiceRenderer for PdfInvoiceRenderer {
    fn render(&self, invoice: &Invoice) -> Result<Vec<u8>, Failure> {
        let faces = Typefaces::new(&self.fonts).ok_or_else(|| Failure::internal("the typeface cannot be loaded"))?;
        let rows: Vec<Row<'_>> = invoice.draft.lines.iter().map(|line| Row::new(line, &faces)).collect();
        let buyer = address(&invoice.draft.address, &faces);
        report_replaced(rows.iter().flat_map(|row| &row.name).chain(&buyer));
        let summary = InvoiceTotals::new(&invoice.draft.totals, invoice.draft.total);
        let pages = paginate(&rows, first_table(&invoice.draft.seller, &buyer), summary.height());
        let mut document = Document::new();
        let title = format!("Invoice {}", invoice.number());
        document.set_metadata(metadata(&title, &invoice.key(), invoice.issued_at));
        for (n, rows) in pages.iter().enumerate() {
            let settings =
                PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| Failure::internal("the page size is invalid"))?;
            let mut page = document.start_page_with(settings);
            let mut sheet = Sheet::new(page.surface(), &faces);
            let top =
                if n == 0 { invoice_header(&mut sheet, invoice, &buyer) } else { next_header(&mut sheet, invoice) };
            let bottom = table(&mut sheet, rows, invoice.draft.total, top);
            if n + 1 == pages.len() {
                summary.draw(&mut sheet, bottom);
            }
            footer(&mut sheet, n + 1, pages.len());
            sheet.finish();
            page.finish();
        }
        document.finish().map_err(|cause| Failure::internal(format!("the invoice cannot be rendered: {cause:?}")))
    }
}

/// Counts the characters that no font has; the log gets their number and never the text, which may be a name.
fn report_replaced<'a>(lines: impl Iterator<Item = &'a Line>) {
    let replaced: usize = lines.map(|line| line.replaced).sum();
    if replaced > 0 {
        metrics::count("CharactersReplaced", u64::try_from(replaced).unwrap_or(u64::MAX));
        tracing::warn!(
            characters = replaced,
            "characters of the invoice are in no font and were replaced by their codes"
        );
    }
}

/// A line of the invoice, with its name wrapped to the width of the column.
struct Row<'a> {
    line: &'a OrderLine,
    name: Vec<Line>,
}

impl<'a> Row<'a> {
    fn new(line: &'a OrderLine, faces: &Typefaces<'_>) -> Self {
        Self { line, name: wrap(line.product_name.as_str(), ROW_TEXT, NAME_WIDTH, faces) }
    }

    fn height(&self) -> f32 {
        f32::from(u16::try_from(self.name.len()).unwrap_or(u16::MAX)) * LEADING + ROW_PADDING
    }
}

/// The top of the table on every page but the first.
const NEXT_TABLE: f32 = 84.0;
/// The baseline of the first line of the address, and the line spacing.
const ADDRESS: f32 = HEADER + 60.0;
const ADDRESS_LEADING: f32 = 15.0;
const ADDRESS_TEXT: f32 = 10.5;
const ADDRESS_WIDTH: f32 = 240.0;

/// The space between the blocks of seller and buyer, for the label of the second.
const BLOCK: f32 = 30.0;

/// The top of the table on the first page: below the details, or below seller and buyer.
fn first_table(seller: &Seller, buyer: &[Line]) -> f32 {
    let lines = f32::from(u16::try_from(seller.lines().len() + buyer.len()).unwrap_or(u16::MAX));
    (HEADER + 214.0).max(ADDRESS + lines * ADDRESS_LEADING + BLOCK + 30.0)
}

/// The address, wrapped to the width of its column.
fn address(address: &Address, faces: &Typefaces<'_>) -> Vec<Line> {
    adapters::postal::lines(address).iter().flat_map(|line| wrap(line, ADDRESS_TEXT, ADDRESS_WIDTH, faces)).collect()
}

/// Distributes the rows over pages. If the total does not fit below the last row, both go to a new page.
fn paginate<'a, 'b>(rows: &'b [Row<'a>], first_table: f32, total: f32) -> Vec<&'b [Row<'a>]> {
    let mut pages = Vec::new();
    let (mut start, mut y) = (0, first_table + TABLE_HEAD);
    for (n, row) in rows.iter().enumerate() {
        let below = if n + 1 == rows.len() { total } else { 0.0 };
        if y + row.height() + below > TABLE_BOTTOM && n > start {
            pages.push(rows.get(start..n).unwrap_or_default());
            (start, y) = (n, NEXT_TABLE + TABLE_HEAD);
        }
        y += row.height();
    }
    pages.push(rows.get(start..).unwrap_or_default());
    pages
}

/// Draws the header of the first page of an invoice and returns the top of the table.
fn invoice_header(sheet: &mut Sheet<'_, '_>, invoice: &Invoice, buyer: &[Line]) -> f32 {
    let draft = &invoice.draft;
    let details = [
        Detail::new("INVOICE NUMBER", invoice.number()),
        Detail::new("DATE", invoice.issued_on.strftime("%-d %B %Y").to_string()),
        Detail::of_order(draft.order_id),
        Detail { size: 9.0, ..Detail::new("PAYMENT", draft.payment_id.to_string()) },
    ];
    first_header(sheet, "Invoice", &draft.seller, buyer, &details)
}

/// A value with its name, at the top right of a document.
struct Detail {
    name: &'static str,
    value: String,
    /// The size of the value.
    size: f32,
    /// Printed small below the value.
    note: Option<String>,
}

impl Detail {
    fn new(name: &'static str, value: String) -> Self {
        Self { name, value, size: 10.5, note: None }
    }

    /// The number that messages state, too, with the whole id below it.
    fn of_order(id: OrderId) -> Self {
        Self { note: Some(id.to_string()), ..Self::new("ORDER NUMBER", id.number().to_string()) }
    }
}

/// Draws the header of a document: what it is, seller and buyer, and details. Returns the top of the table.
fn first_header(sheet: &mut Sheet<'_, '_>, title: &str, seller: &Seller, buyer: &[Line], details: &[Detail]) -> f32 {
    sheet.rectangle(0.0, 0.0, WIDTH, HEADER, ACCENT);
    sheet.text("QUAYSIDE", LEFT, 58.0, Style::new(24.0, WHITE).heavy().spaced(0.08));
    sheet.text(title, RIGHT, 58.0, Style::new(20.0, WHITE).at(Anchor::End));

    let label = Style::new(8.0, MUTED).spaced(0.05);
    let mut y = ADDRESS;
    sheet.text("SELLER", LEFT, y - 18.0, label);
    for line in seller.lines() {
        sheet.text(line, LEFT, y, Style::new(ADDRESS_TEXT, INK));
        y += ADDRESS_LEADING;
    }
    y += BLOCK;
    sheet.text("BILL AND SHIP TO", LEFT, y - 18.0, label);
    for line in buyer {
        sheet.line(line, LEFT, y, Style::new(ADDRESS_TEXT, INK));
        y += ADDRESS_LEADING;
    }

    let mut y = HEADER + 42.0;
    for detail in details {
        sheet.text(detail.name, 330.0, y, label);
        sheet.text(&detail.value, 330.0, y + 15.0, Style::new(detail.size, INK));
        if let Some(note) = &detail.note {
            sheet.text(note, 330.0, y + 24.5, Style::new(7.0, MUTED));
            y += 8.0;
        }
        y += 38.0;
    }
    first_table(seller, buyer)
}

/// Draws the header of every other page and returns the top of the table.
fn next_header(sheet: &mut Sheet<'_, '_>, invoice: &Invoice) -> f32 {
    sheet.text("QUAYSIDE", LEFT, 52.0, Style::new(12.0, ACCENT).heavy().spaced(0.08));
    let number = format!("Invoice {}", invoice.number());
    sheet.text(&number, RIGHT, 52.0, Style::new(10.0, MUTED).at(Anchor::End));
    NEXT_TABLE
}

/// Draws the table and returns its bottom.
fn table(sheet: &mut Sheet<'_, '_>, rows: &[Row<'_>], total: Money, top: f32) -> f32 {
    let label = Style::new(8.0, MUTED).spaced(0.05);
    let right = label.at(Anchor::End);
    sheet.text("DESCRIPTION", LEFT, top, label);
    sheet.text("QUANTITY", QUANTITY, top, right);
    sheet.text("UNIT PRICE", UNIT_PRICE, top, right);
    sheet.text("TAX", TAX_RATE, top, right);
    sheet.text(&format!("AMOUNT ({})", total.currency.code()), RIGHT, top, right);
    sheet.rectangle(LEFT, top + 8.0, RIGHT - LEFT, 0.8, INK);

    let (text, number) = (Style::new(ROW_TEXT, INK), Style::new(ROW_TEXT, INK).at(Anchor::End));
    let mut y = top + TABLE_HEAD;
    for row in rows {
        sheet.text(&group_thousands(&row.line.quantity.get().to_string()), QUANTITY, y, number);
        sheet.text(&format_amount(row.line.unit_price), UNIT_PRICE, y, number);
        if let Some(tax) = row.line.tax {
            sheet.text(&format!("{} %", tax.rate), TAX_RATE, y, number);
        }
        sheet.text(&format_amount(row.line.line_total), RIGHT, y, number);
        for part in &row.name {
            sheet.line(part, LEFT, y, text);
            y += LEADING;
        }
        y += ROW_PADDING;
        sheet.rectangle(LEFT, y - LEADING - 1.0, RIGHT - LEFT, 0.4, FAINT);
    }
    y
}

fn footer(sheet: &mut Sheet<'_, '_>, page: usize, pages: usize) {
    let y = HEIGHT - 44.0;
    let small = Style::new(8.0, MUTED);
    sheet.rectangle(LEFT, y - 16.0, RIGHT - LEFT, 0.4, FAINT);
    sheet.text("Thank you for your order.", LEFT, y, small);
    sheet.text(&format!("Page {page} of {pages}"), RIGHT, y, small.at(Anchor::End));
}

/// An amount without its currency, with thousands separators: `1,234.56`.
fn format_amount(money: Money) -> String {
    let text = money.to_string();
    let number = text.split(' ').next().unwrap_or_default();
    match number.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", group_thousands(whole)),
        None => group_thousands(number),
    }
}

fn group_thousands(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn metadata(title: &str, key: &str, issued_at: Timestamp) -> Metadata {
    let at = issued_at.to_zoned(jiff::tz::TimeZone::UTC);
    let date = DateTime::new(at.year().unsigned_abs())
        .month(at.month().unsigned_abs())
        .day(at.day().unsigned_abs())
        .hour(at.hour().unsigned_abs())
        .minute(at.minute().unsigned_abs())
        .second(at.second().unsigned_abs())
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(title.to_owned())
        .authors(vec!["Quayside".to_owned()])
        .language("en".to_owned())
        .creation_date(date)
        .document_id(format!("{}/{key}", catalog::PREFIX))
}
