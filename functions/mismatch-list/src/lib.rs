//! `GET /api/v1/ops/payments/mismatches`: payments for which the gateway moved something other than what was asked, for staff.

use api::{ListView, MismatchedPaymentView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::PaymentStore;

/// Lists one page of payments, those with the newest mismatch first, each with all its mismatches.
pub async fn handle(
    payments: &impl PaymentStore,
    call: Call<NoBody>,
) -> Result<Reply<ListView<MismatchedPaymentView>>, Failure> {
    let page = call.page()?;
    let found = payments.mismatched(page.limit, page.cursor.as_deref()).await?;
    let items = found.items.iter().map(MismatchedPaymentView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}
