//! `GET /.well-known/jwks.json`: the public halves of the signing keys (RFC 7517), for whoever checks our tokens.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::Tokens;
use serde_json::Value;

/// Shows the key set. It may be kept for four minutes: a new key is in it within seconds, and signs nothing in its first five
/// minutes, so that whoever keeps the set knows a key before a token names it.
pub async fn handle(tokens: &impl Tokens, _call: Call<NoBody>) -> Result<Reply<Value>, Failure> {
    let keys = serde_json::from_str(&tokens.jwks().await?).map_err(Failure::internal)?;
    Ok(Reply::ok(keys).cache_control("public, max-age=240"))
}
