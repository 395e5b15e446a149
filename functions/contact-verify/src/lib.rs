//! `POST /api/v1/users/verify`: verifies the address that a token was sent to.
//!
//! Returns 204. A token that is wrong, used, expired or was tried too often is 422, without telling which.

use domain::verification::{self, Token, VerifyContact};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{VerificationStore, VerificationTokens};

pub async fn handle(
    users: &impl VerificationStore,
    tokens: &impl VerificationTokens,
    call: Call<VerifyContact>,
) -> Result<Reply<()>, Failure> {
    let token = Token::parse(&call.body.token).ok_or_else(verification::invalid_token)?;
    let tried = users.try_token(token.selector(), call.now).await?;
    let found = tried.iter().find(|one| tokens.is_digest_of(&one.digest, &token));
    let found = found.ok_or_else(verification::invalid_token)?;
    let event = call.event(found.user_id, found.version + 1, found.verified());
    match users.verify(found, &event).await? {
        true => Ok(Reply::no_content()),
        false => Err(verification::invalid_token()),
    }
}
