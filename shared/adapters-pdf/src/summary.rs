//! The sums below the table: subtotal, shipping and tax as the order states them, and the total.

use super::{
    RIGHT, format_amount,
    sheet::{ACCENT, Anchor, FAINT, INK, MUTED, Sheet, Style},
};
use domain::credit_note::Draft;
use domain::money::Money;
use domain::totals::{TaxLine, Totals};

const LEFT: f32 = 300.0;
const MARGIN: f32 = 12.0;
const LINE: f32 = 16.0;
/// The height of the total with what is around it.
const TOTAL: f32 = 78.0;

pub(super) struct InvoiceTotals {
    /// Name and amount of what is added up to the total.
    parts: Vec<(String, Money)>,
    /// Tax that the parts include.
    included: Vec<(String, Money)>,
    total: Money,
    /// What the total is, and a note below it.
    words: (&'static str, &'static str),
}

impl InvoiceTotals {
    pub fn new(totals: &Totals, total: Money) -> Self {
        let shipping = (format!("Shipping ({})", totals.shipping_method.as_str()), totals.shipping);
        let mut parts = vec![("Subtotal".to_owned(), totals.subtotal), shipping];
        let mut included = Vec::new();
        for line in &totals.taxes {
            let (rate, taxed) = (line.rate, format_amount(line.taxed));
            if totals.tax_included {
                included.push((format!("Includes {rate} % tax in {taxed}"), line.amount));
            } else {
                parts.push((format!("Tax {rate} % on {taxed}"), line.amount));
            }
        }
        Self { parts, included, total, words: ("Total", "Paid in full by card. No amount is due.") }
    }

    /// Of a credit note: the taxes are parts of the refund, whether prices include them or not.
    pub fn of_credit_note(draft: &Draft) -> Self {
        let name = |line: &TaxLine| match draft.tax_included {
            true => format!("Includes {} % tax in {}", line.rate, format_amount(line.taxed)),
            false => format!("Includes {} % tax on {}", line.rate, format_amount(line.taxed)),
        };
        let included = draft.taxes.iter().map(|line| (name(line), line.amount)).collect();
        let words = match draft.cancels {
            None => ("Refunded", "Returned to the card that paid."),
            Some(_) => ("Cancelled", "The refund was returned by the bank of the card."),
        };
        Self { parts: Vec::new(), included, total: draft.refund.amount, words }
    }

    pub fn height(&self) -> f32 {
        let lines = self.parts.len() + self.included.len();
        TOTAL + LINE * f32::from(u16::try_from(lines).unwrap_or(u16::MAX))
    }

    /// Draws the sums below `top`.
    pub fn draw(&self, sheet: &mut Sheet<'_, '_>, top: f32) {
        let mut y = top + 8.0;
        for (name, amount) in &self.parts {
            line(sheet, name, *amount, y, INK);
            y += LINE;
        }
        y += 14.0;
        sheet.rectangle(LEFT, y - 18.0, RIGHT - LEFT, 32.0, FAINT);
        sheet.text(self.words.0, LEFT + MARGIN, y + 2.0, Style::new(11.0, INK));
        let sum = format!("{} {}", format_amount(self.total), self.total.currency.code());
        sheet.text(&sum, RIGHT - MARGIN, y + 2.0, Style::new(13.0, ACCENT).heavy().at(Anchor::End));
        y += 30.0;
        for (name, amount) in &self.included {
            line(sheet, name, *amount, y, MUTED);
            y += LINE;
        }
        let note = Style::new(8.5, MUTED).at(Anchor::End);
        sheet.text(self.words.1, RIGHT - MARGIN, y + 4.0, note);
    }
}

fn line(sheet: &mut Sheet<'_, '_>, name: &str, amount: Money, y: f32, color: super::sheet::Color) {
    let style = Style::new(9.5, color);
    sheet.text(name, LEFT + MARGIN, y, style);
    sheet.text(&format_amount(amount), RIGHT - MARGIN, y, style.at(Anchor::End));
}
