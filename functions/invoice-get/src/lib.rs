//! `GET /api/v1/orders/{id}/invoice`: a link to the invoice, for its owner and the back office. Not yet made is 404.

use api::InvoiceView;
use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, Timestamp};
use ports::{Documents, InvoiceStore};

/// Seconds that a link works: long enough to click, short enough to be of no use when it leaks.
const LINK_SECONDS: u32 = 300;

/// Gives the link.
pub async fn handle(
    invoices: &impl InvoiceStore,
    documents: &impl Documents,
    call: Call<NoBody>,
) -> Result<Reply<InvoiceView>, Failure> {
    let principal = call.principal()?;
    let owner = user::owner_filter(principal.id, &principal.role);
    let absent = || Failure::not_found("invoice");
    let invoice = invoices.find(call.path("id")?, owner).await?.ok_or_else(absent)?;
    if !documents.exists(&invoice.key()).await? {
        return Err(absent());
    }
    let url = documents.link(&invoice.key(), LINK_SECONDS).await?;
    let expires_at =
        Timestamp::from_second(call.now.as_second() + i64::from(LINK_SECONDS)).map_err(Failure::internal)?;
    Ok(Reply::ok(InvoiceView::new(invoice.number(), url, expires_at)))
}
