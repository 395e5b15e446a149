//! `GET /api/v1/payment-methods`: the saved payment methods of the caller, oldest first. There are at most twenty, on one page.

use api::{ListView, PaymentMethodView};
use domain::id::UserId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::SavedMethodStore;

/// Lists all methods of the caller.
pub async fn handle(
    methods: &impl SavedMethodStore,
    call: Call<NoBody>,
) -> Result<Reply<ListView<PaymentMethodView>>, Failure> {
    let methods = methods.methods(UserId(call.principal()?.id)).await?;
    let items = methods.iter().map(PaymentMethodView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: None }))
}
