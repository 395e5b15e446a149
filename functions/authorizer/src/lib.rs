//! Lambda authorizer of API Gateway: verifies the bearer token of every route that is not public.
//!
//! Returns the principal, or none without a valid token; it denies no request. The route checks the role, as the catalog declares it:
//! a request without a token reaches it as well, and gets a problem document. API Gateway invokes the authorizer for every request.

use edge::{
    authorizer::{AuthRequest, Grant},
    http::Principal,
};
use kernel::Failure;
use ports::TokenVerifier;

/// Returns the principal of a valid token; `None` without one.
pub async fn handle(tokens: &impl TokenVerifier, request: AuthRequest) -> Result<Option<Grant>, Failure> {
    let Some(token) = request.token else { return Ok(None) };
    let claims = tokens.verify(&token, request.now).await?;
    Ok(claims.map(|claims| Principal { id: claims.user_id.0, role: claims.role.name().to_owned() }.into()))
}
