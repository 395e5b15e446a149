//! `GET /.well-known/jwks.json`: the public signing keys (RFC 7517), for services that verify our tokens.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::TokenVerifier;
use serde_json::Value;

/// Returns the key set, to be cached for at most four minutes. A new key appears in it within seconds and signs nothing for five
/// minutes, so that a cache contains a key before a token names it.
pub async fn handle(tokens: &impl TokenVerifier, _call: Call<NoBody>) -> Result<Reply<Value>, Failure> {
    let keys = serde_json::from_str(&tokens.jwks().await?).map_err(Failure::internal)?;
    Ok(Reply::ok(keys).cache_control("public, max-age=240"))
}
