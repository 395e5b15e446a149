//! `POST /api/v1/users/login/mfa`: finishes a login with a code of the second factor, or with a recovery code.
//!
//! Returns 401 `invalid-mfa-token` for a token that is wrong, used, five minutes old, or was tried five times, and if the account was changed since
//! the password was verified, and 401 `wrong-code` for a code that is wrong or was used before. After repeated wrong codes of one account from one
//! source, or of one source, it returns 429 with `Retry-After`, with the delays of passwords; after a hundred of one account in a day from any
//! sources, too, for codes of the device and not for recovery codes. `session=cookie` means the same as at `POST /api/v1/users/login`.

use api::TokenView;
use domain::{
    id::SessionId,
    second_factor::{FinishLogin, invalid_login_token, wrong_code},
    session::SessionKind,
};
use edge::http::{Call, CredentialCookie, Reply};
use kernel::Failure;
use ports::{FactorAttempt, FactorLogins, FactorStore, Tokens, UserStore};
use services::begin_session;

pub async fn handle(
    users: &(impl UserStore + FactorStore),
    factors: &impl FactorLogins,
    (tokens, cookie): (&impl Tokens, &CredentialCookie),
    call: Call<FinishLogin>,
) -> Result<Reply<TokenView>, Failure> {
    let proof = call.body.proof()?;
    let in_cookie = SessionKind::is_in_cookie(call.parsed("session", SessionKind::one_of)?);
    if in_cookie {
        cookie.check_sender(&call)?;
    }
    tokens.ready().await?;
    let digest = tokens.digest(&call.body.mfa_token);
    let user = users.try_login(&digest, call.now).await?.ok_or_else(invalid_login_token)?;
    let client_address = call.client_address(async |secret| factors.is_from_distribution(secret).await).await?;
    let attempt = FactorAttempt { user, proof: &proof, client_address, now: call.now };
    let (credentials, counters) = factors.prove_factor(attempt).await?.ok_or_else(wrong_code)?;
    if !users.finish_login(&digest).await? {
        return Err(invalid_login_token());
    }
    let session = SessionId(call.ids.next());
    let begun = begin_session(users, tokens, session, &credentials, &counters, call.now).await?;
    let (access_token, refresh_token) = begun.ok_or_else(invalid_login_token)?;
    let (shown, set_cookie) = cookie.deliver(refresh_token, in_cookie);
    Ok(Reply::ok(TokenView::new(access_token, shown)).cookie(set_cookie))
}
