//! `GET /api/v1/orders/{id}/credit-notes`: the credit notes of an order, oldest first, each with a presigned link, for its owner and for
//! staff. An order without an invoice has none: 404.

use api::{CreditNoteView, ListView};
use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, seconds_after};
use ports::{CreditNoteStore, Documents};

/// Validity of a link: that of `invoice-get`.
const LINK_SECONDS: u32 = 300;

/// Lists all credit notes of one order; there are as many as refunds.
pub async fn handle(
    invoices: &impl CreditNoteStore,
    documents: &impl Documents,
    call: Call<NoBody>,
) -> Result<Reply<ListView<CreditNoteView>>, Failure> {
    let owner = call.with_principal(user::owner_filter)?;
    let notes = invoices.credit_notes(call.path("id")?, owner).await?.ok_or_else(|| Failure::not_found("invoice"))?;
    let expires_at = seconds_after(call.now, LINK_SECONDS.into())?;
    let mut items = Vec::with_capacity(notes.len());
    for note in &notes {
        let url = documents.link(&note.key(), LINK_SECONDS).await?;
        items.push(CreditNoteView::new(note, url, expires_at));
    }
    Ok(Reply::ok(ListView { items, next_cursor: None }))
}
