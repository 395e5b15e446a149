//! Lambda authorizer of API Gateway: verifies the bearer token of every route that is not public.
//!
//! Returns the principal, or none without a valid token, or with one of a session that has ended; it denies no request. The route checks the
//! role, as the catalog declares it: a request without a token reaches it as well, and gets a problem document. API Gateway invokes the
//! authorizer for every request.

use edge::{
    authorizer::{AuthRequest, Grant},
    http::Principal,
};
use kernel::Failure;
use ports::{Revocations, SESSION_CLAIM, TokenVerifier};

/// Returns the principal of a valid token; `None` without one.
pub async fn handle(
    tokens: &impl TokenVerifier,
    revocations: &impl Revocations,
    request: AuthRequest,
) -> Result<Option<Grant>, Failure> {
    let Some(token) = request.token else { return Ok(None) };
    let Some(claims) = tokens.verify(&token, request.now).await? else { return Ok(None) };
    if revocations.is_revoked(claims.session_id).await {
        return Ok(None);
    }
    let principal = Principal { id: claims.user_id.0, role: claims.role.name().to_owned() };
    Ok(Some(Grant { principal, claims: [(SESSION_CLAIM.to_owned(), claims.session_id.to_string())].into() }))
}
