//! `POST /api/v1/payments/process`: the customer pays again after a decline, while the order is pending.
//!
//! Returns 202 with the payment, which is pending again and charged right after. A repeated `Idempotency-Key` replays the first
//! response, which may be a rejection. A saved method is charged for its owner only. Too many attempts that failed are 429 with `Retry-After`:
//! the key stays free.

use api::PaymentView;
use domain::{
    id::UserId,
    payment::{self, AttemptLimit, PaymentTransition, ProcessPayment},
    text::PaymentMethod,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{MethodOwner, PaymentStore, SavedMethodStore};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

/// The store of payments, which has the saved methods, too.
pub trait Payments: PaymentStore + SavedMethodStore {}

impl<S: PaymentStore + SavedMethodStore> Payments for S {}

pub async fn handle(
    payments: &impl Payments,
    limit: AttemptLimit,
    call: Call<ProcessPayment>,
) -> Result<Reply<PaymentView>, Failure> {
    let (ProcessPayment { order_id, payment_method }, call) = call.into_parts();
    let (owner, key) = (UserId(call.principal()?.id), call.idempotency_key()?);
    let customer = customer(payments, owner, &payment_method).await?;
    let unknown = || Failure::field("/order_id", "is not an order of yours with a payment");
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = payments.find_by_order(order_id, Some(owner)).await?.ok_or_else(unknown);
        let change = payment.and_then(|payment| {
            let customer = customer.clone()?;
            Ok(payment::retry_payment(&payment, payment_method.clone(), call.now)?.for_customer(customer))
        });
        let store = async |problem: &_| payments.store_response(key, problem).await;
        let commit = async |change: PaymentTransition, reply: &_| {
            let events = call.events(change.payment.id, change.payment.version, &change.events);
            payments.advance_with_reply(key, reply, &change, &events, Some(limit)).await
        };
        call.commit_idempotently(change.map(accepted), store, commit).await
    })
    .await
}

fn accepted(change: PaymentTransition) -> (PaymentTransition, Reply<PaymentView>) {
    let path = catalog::PAYMENT_GET.path_of(change.payment.id);
    let reply = Reply::accepted(PaymentView::from(&change.payment)).resource(path, change.payment.version);
    (change, reply)
}

/// The customer at the gateway that a method is saved for, if it is saved; a rejection if it is somebody else's.
async fn customer(
    payments: &impl Payments,
    owner: UserId,
    method: &PaymentMethod,
) -> Result<Result<Option<String>, Failure>, Failure> {
    Ok(match payments.owner(method).await? {
        MethodOwner::Nobody => Ok(None),
        MethodOwner::User { user, customer } if user == owner => Ok(Some(customer)),
        MethodOwner::User { .. } => Err(Failure::field("/payment_method", "is not a payment method of yours")),
    })
}
