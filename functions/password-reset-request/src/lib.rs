//! `POST /api/v1/users/password-reset`: asks for a token with which a new password can be set.
//!
//! Returns 202 in any case, after the same steps: neither the response nor its time tells whether an account has the address, whether it is
//! verified, or whether too many tokens were requested for it.

use domain::{event::PasswordResetRequested, password_reset::RequestReset};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PasswordStore;

pub async fn handle(users: &impl PasswordStore, call: Call<RequestReset>) -> Result<Reply<()>, Failure> {
    let request_id = call.ids.next();
    let email = call.body.email.clone();
    let event = call.event(request_id, 1, PasswordResetRequested { request_id, email: email.clone() });
    users.request_reset(&email, &event).await?;
    Ok(Reply::accepted(()))
}
