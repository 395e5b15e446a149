//! Tells API Gateway who calls, before every route that is not public.
//!
//! Reads the bearer token, answers the principal or a refusal. What a principal may do is checked by the route, from the
//! catalog: an answer here is cached for a minute whatever the route.

use edge::{
    authorizer::{AuthRequest, Grant},
    http::Principal,
};
use kernel::Failure;
use ports::Tokens;

/// Who calls, if the token proves it.
pub async fn handle(tokens: &impl Tokens, request: AuthRequest) -> Result<Option<Grant>, Failure> {
    let Some(token) = request.token else { return Ok(None) };
    let claims = tokens.verify(&token, request.now).await?;
    Ok(claims.map(|claims| Principal { id: claims.user_id.0, role: claims.role.name().to_owned() }.into()))
}
