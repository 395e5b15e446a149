//! `POST /api/v1/payment-methods`: saves a payment method for further orders.
//!
//! Returns 201 with what the gateway says about the card, the same each time for the same method. With an `Idempotency-Key`, a repeated
//! request gets the first response. A request that died halfway is completed by its repetition: customer and method are attached at the
//! gateway under keys of their own.

use api::PaymentMethodView;
use domain::{
    id::{PaymentMethodId, UserId},
    saved_method::{self, SavePaymentMethod, SavedMethod},
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome};
use ports::{MethodVault, SavedMethodStore};

pub async fn handle(
    methods: &impl SavedMethodStore,
    vault: &impl MethodVault,
    call: Call<SavePaymentMethod>,
) -> Result<Reply<PaymentMethodView>, Failure> {
    let (user, token) = (UserId(call.principal()?.id), &call.body.payment_method);
    if let Some(key) = &call.idempotency
        && let Some(IdempotencyOutcome::Replayed(first)) = methods.find_method_response(key).await?
    {
        return Ok(Reply::replay(first));
    }
    let saved = methods.methods(user).await?;
    saved_method::check_room(&saved, token)?;
    let customer = match methods.customer(user).await? {
        Some(customer) => customer,
        None => methods.save_customer(user, &vault.create_customer(user).await?).await?,
    };
    let id = PaymentMethodId(call.ids.next());
    let request = match &call.idempotency {
        Some(key) => format!("{} {}", key.scope, key.key),
        None => id.to_string(),
    };
    let attached = vault.attach(token, &customer, &request).await?;
    let known = saved.iter().find(|saved| saved.token == attached.token);
    let (created_at, is_default) =
        known.map_or((call.now, saved.is_empty()), |known| (known.created_at, known.is_default));
    let id = known.map_or(id, |known| known.id);
    let method = SavedMethod { id, user_id: user, token: attached.token, card: attached.card, is_default, created_at };
    let created = |method: &SavedMethod| Reply::created(PaymentMethodView::from(method));
    let reply = created(&method).to_stored()?;
    let (stored, outcome) = methods.save_method(&method, call.idempotency.as_ref().map(|key| (key, &reply))).await?;
    Ok(created(&stored).or_replay(outcome))
}
