//! Access tokens and password hashes.

pub mod passwords;
pub mod tokens;

pub use passwords::Argon2Passwords;
pub use tokens::JwtTokens;

use adapters::wiring::{Result, Wiring};

/// Signed access tokens.
pub fn tokens(wiring: &Wiring) -> Result<JwtTokens> {
    // The stage is part of the issuer, so that no stage accepts the tokens of another, even if it had its keys.
    let issuer = format!("{}-{}", catalog::PREFIX, wiring.config().stage()?);
    Ok(JwtTokens::new(adapters_secrets::secret(wiring, &catalog::SIGNING_KEYS)?, issuer))
}
