//! `GET /api/v1/orders/{id}/invoice`: a presigned link to the invoice, for its owner and for staff.
//!
//! Returns 404 until the document is stored.

use api::InvoiceView;
use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, seconds_after};
use ports::{Documents, InvoiceStore};

/// Validity of a link: long enough to click it, short enough that a leaked one is soon useless.
const LINK_SECONDS: u32 = 300;

pub async fn handle(
    invoices: &impl InvoiceStore,
    documents: &impl Documents,
    call: Call<NoBody>,
) -> Result<Reply<InvoiceView>, Failure> {
    let owner = call.with_principal(user::owner_filter)?;
    let missing = || Failure::not_found("invoice");
    let invoice = invoices.find(call.path("id")?, owner).await?.ok_or_else(missing)?;
    if !documents.exists(&invoice.key()).await? {
        return Err(missing());
    }
    let url = documents.link(&invoice.key(), LINK_SECONDS).await?;
    let expires_at = seconds_after(call.now, LINK_SECONDS.into())?;
    Ok(Reply::ok(InvoiceView::new(invoice.number(), url, expires_at)))
}
