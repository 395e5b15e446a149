//! `GET /api/v1/invoices`: the caller's invoices, newest first, each with a presigned link; for staff, those of all customers, or of
//! `user_id`. A customer who names another one gets 404.

use api::{InvoiceItemView, ListView};
use domain::{id::UserId, user};
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, seconds_after};
use ports::{Documents, InvoiceList};

/// Validity of a link: that of `invoice-get`.
const LINK_SECONDS: u32 = 300;

/// Lists one page of invoices.
pub async fn handle(
    invoices: &impl InvoiceList,
    documents: &impl Documents,
    call: Call<NoBody>,
) -> Result<Reply<ListView<InvoiceItemView>>, Failure> {
    let (page, own) = (call.page()?, call.with_principal(user::owner_filter)?);
    let asked: Option<UserId> = call.query("user_id")?;
    if own.is_some() && asked.is_some_and(|asked| own != Some(asked)) {
        return Err(Failure::not_found("user"));
    }
    let found = invoices.invoices(own.or(asked), page.limit, page.cursor.as_deref()).await?;
    let expires_at = seconds_after(call.now, LINK_SECONDS.into())?;
    let mut items = Vec::with_capacity(found.items.len());
    for invoice in &found.items {
        let url = documents.link(&invoice.key(), LINK_SECONDS).await?;
        items.push(InvoiceItemView::new(invoice, url, expires_at));
    }
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}
