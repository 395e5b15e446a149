//! `GET /api/v1/ops/payments/refund-approvals`: payments with a refund that waits for approval, for staff.

use api::{ListView, PaymentAwaitingApprovalView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::PaymentStore;

/// Lists one page of payments, those that wait longest first, each with all its approvals.
pub async fn handle(
    payments: &impl PaymentStore,
    call: Call<NoBody>,
) -> Result<Reply<ListView<PaymentAwaitingApprovalView>>, Failure> {
    let page = call.page()?;
    let found = payments.awaiting_approval(page.limit, page.cursor.as_deref()).await?;
    let items = found.items.iter().map(PaymentAwaitingApprovalView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}
