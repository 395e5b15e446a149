//! `PUT /api/v1/payment-methods/{id}/default`: makes a saved payment method the default one of the caller, instead of any other.

use api::PaymentMethodView;
use domain::id::UserId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::SavedMethodStore;

/// Chooses one method. Another user's method is `NotFound`.
pub async fn handle(methods: &impl SavedMethodStore, call: Call<NoBody>) -> Result<Reply<PaymentMethodView>, Failure> {
    let chosen = methods.make_default(UserId(call.principal()?.id), call.path("id")?).await?;
    let chosen = chosen.ok_or_else(|| Failure::not_found("payment-method"))?;
    Ok(Reply::ok(PaymentMethodView::from(&chosen)))
}
