//! Credit notes, in the layout of invoices.

use super::{
    Detail, HEIGHT, LEFT, PdfInvoiceRenderer, RIGHT, WIDTH, address, first_header, footer, format_amount, metadata,
    report_replaced,
    sheet::{INK, MUTED, Sheet, Style},
    summary::InvoiceTotals,
    typeface::Typefaces,
};
use domain::credit_note::CreditNote;
use kernel::Failure;
use krilla::Document;
use krilla::page::PageSettings;

impl ports::CreditNoteRenderer for PdfInvoiceRenderer {
    fn render_credit_note(&self, note: &CreditNote) -> Result<Vec<u8>, Failure> {
        let faces = Typefaces::new(&self.fonts).ok_or_else(|| Failure::internal("the typeface cannot be loaded"))?;
        let draft = &note.draft;
        let title = if draft.cancels.is_some() { "Cancellation" } else { "Credit note" };
        let buyer = address(&draft.address, &faces);
        report_replaced(buyer.iter());
        let mut document = Document::new();
        document.set_metadata(metadata(&format!("{title} {}", note.number()), &note.key(), note.issued_at));
        let settings =
            PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| Failure::internal("the page size is invalid"))?;
        let mut page = document.start_page_with(settings);
        let mut sheet = Sheet::new(page.surface(), &faces);
        let details = [
            Detail::new("NUMBER", note.number()),
            Detail::new("DATE", note.issued_on.strftime("%-d %B %Y").to_string()),
            Detail::of_order(draft.refund.order_id),
            Detail { size: 9.0, ..Detail::new("PAYMENT", draft.payment_id.to_string()) },
        ];
        let top = first_header(&mut sheet, title, &draft.seller, &buyer, &details);
        let issued_on = draft.invoice_issued_on.strftime("%-d %B %Y");
        let what = match &draft.cancels {
            None => format!("Refund of invoice {} of {issued_on}", draft.invoice_number),
            Some(note) => format!("Cancels credit note {note} for invoice {} of {issued_on}", draft.invoice_number),
        };
        sheet.text("DESCRIPTION", LEFT, top, Style::new(8.0, MUTED).spaced(0.05));
        let amount = format!("AMOUNT ({})", draft.refund.amount.currency.code());
        let right = super::sheet::Anchor::End;
        sheet.text(&amount, RIGHT, top, Style::new(8.0, MUTED).spaced(0.05).at(right));
        sheet.rectangle(LEFT, top + 8.0, RIGHT - LEFT, 0.8, INK);
        sheet.text(&what, LEFT, top + 26.0, Style::new(9.5, INK));
        sheet.text(&format_amount(draft.refund.amount), RIGHT, top + 26.0, Style::new(9.5, INK).at(right));
        InvoiceTotals::of_credit_note(draft).draw(&mut sheet, top + 50.0);
        footer(&mut sheet, 1, 1);
        sheet.finish();
        page.finish();
        document.finish().map_err(|cause| Failure::internal(format!("the credit note cannot be rendered: {cause:?}")))
    }
}
