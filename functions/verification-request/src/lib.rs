//! `POST /api/v1/users/{id}/verification`: sends a token to an address of a user, for its user or an admin.
//!
//! Returns 202; the token is sent right after. 409 if the address is verified already, 422 if the user has none of this kind or text messages
//! are not sent to its country, and 429 if too many were requested of the user or for the address. An admin sends another token to a colleague
//! whose invitation has expired. A repeated `Idempotency-Key` gets the first response, whatever happened to the address since, and sends nothing.

use api::VerificationView;
use domain::{
    event::{ContactVerificationRequested, SEQUENCE_SET_BY_STORE},
    message_limits::MessageLimits,
    user,
    verification::RequestVerification,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::VerificationStore;

pub async fn handle(
    users: &impl VerificationStore,
    limits: &MessageLimits,
    call: Call<RequestVerification>,
) -> Result<Reply<VerificationView>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self_or_admin)?;
    let (channel, key) = (call.body.channel, call.idempotency.as_ref());
    let contacts = users.contacts(user_id).await?.ok_or_else(|| Failure::not_found("user"))?;
    let address = match contacts.to_verify_in(&limits.countries, channel) {
        Ok(address) => address,
        Err(rejection) => {
            let Some(key) = key else { return Err(rejection) };
            return Reply::rejected(rejection, users.find_request(key).await?);
        }
    };
    let event = call.event(user_id, SEQUENCE_SET_BY_STORE, ContactVerificationRequested { user_id, channel });
    let reply = Reply::accepted(VerificationView::from(channel));
    let stored = reply.to_stored()?;
    let outcome = users.request_verification(address, &event, key, &stored, &limits.verifications).await?;
    Ok(reply.or_replay(outcome))
}
