//! `DELETE /api/v1/users/{id}/totp`: removes a second factor, by its user with password and code, or by an admin for somebody who lost it.
//!
//! Returns 204, and 404 if there is none. The recovery codes go with it. A wrong password or code is 422, and after repeated failures 429, with
//! the delays of logins. The event says who removed it. Where the role of the account needs a second factor, its sessions end, but for the one in
//! which its user removes it; that one ends when it is refreshed, unless there is another second factor by then.

use domain::{
    event::{SEQUENCE_SET_BY_STORE, SecondFactorRemoved},
    id::{SessionId, UserId},
    profile,
    second_factor::{FactorResponse, MfaPolicy, RemoveTotp, wrong_code_field},
    user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{
    AccountPasswords, FactorAttempt, FactorLogins, FactorStore, LoginName, PasswordAttempt, Revocations, SESSION_CLAIM,
};

/// Removes one second factor.
pub async fn handle(
    factors: &impl FactorStore,
    (passwords, logins): (&impl AccountPasswords, &impl FactorLogins),
    (revocations, policy): (&impl Revocations, &MfaPolicy),
    call: Call<Option<RemoveTotp>>,
) -> Result<Reply<()>, Failure> {
    let user_id: UserId = call.owner_from_path("id", user::check_self_or_admin)?;
    let removed_by = UserId(call.principal()?.id);
    let mut own = None;
    if user_id == removed_by {
        let session: SessionId = call.token_claim(SESSION_CLAIM)?;
        let proof = call.body.as_ref().ok_or_else(profile::wrong_current_password)?;
        let (account, password) = (LoginName::Id(user_id), proof.current_password.as_str());
        let client_address = call.client_address(async |secret| passwords.is_from_distribution(secret).await).await?;
        let attempt = PasswordAttempt { account, password, client_address, now: call.now };
        let proven = passwords.prove(attempt).await?.ok_or_else(profile::wrong_current_password)?;
        let proof = FactorResponse::Code(proof.code.clone());
        let attempt = FactorAttempt { user: user_id, proof: &proof, client_address, now: call.now };
        if !logins.confirm_factor(attempt).await? {
            return Err(wrong_code_field());
        }
        own = Some((proven.password_hash, session));
    }
    let event = call.event(user_id, SEQUENCE_SET_BY_STORE, SecondFactorRemoved { user_id, removed_by });
    let own = own.as_ref().map(|(proven, session)| (proven.as_str(), *session));
    let ended = factors.remove_totp(user_id, policy, own, &event).await?;
    revocations.revoke(&ended.ok_or_else(|| Failure::not_found("second factor"))?).await;
    Ok(Reply::no_content())
}
