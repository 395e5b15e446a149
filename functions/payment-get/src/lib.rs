//! `GET /api/v1/payments/{id}`: one payment, for its owner and for staff; 404 for everyone else.

use api::PaymentView;
use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::PaymentStore;

pub async fn handle(payments: &impl PaymentStore, call: Call<NoBody>) -> Result<Reply<PaymentView>, Failure> {
    let owner = call.with_principal(user::owner_filter)?;
    let payment = payments.get(call.path("id")?, owner).await?.filter(|payment| payment.attempts > 0);
    let payment = payment.ok_or_else(|| Failure::not_found("payment"))?;
    Ok(Reply::ok(PaymentView::visible_to(owner, &payment)).etag(payment.version))
}
