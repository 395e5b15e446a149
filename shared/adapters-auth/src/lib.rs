//! Access tokens, password hashes, and sealed secrets.

pub mod passwords;
pub mod sealed;
pub mod tokens;
pub mod verification;

pub use passwords::Argon2Passwords;
pub use sealed::SealedSecrets;
pub use tokens::{JwtKeys, JwtTokens, JwtVerifier};
pub use verification::RandomTokens;

use adapters::wiring::{Result, Wiring};
use adapters_secrets::secret;
use catalog::{SEALING_KEYS, SIGNING_KEYS, VERIFICATION_KEYS};

/// Signs access tokens.
pub fn tokens(wiring: &Wiring) -> Result<JwtTokens> {
    Ok(JwtTokens::new(secret(wiring, &SIGNING_KEYS)?, issuer(wiring)?))
}

/// Verifies access tokens.
pub fn token_verifier(wiring: &Wiring) -> Result<JwtVerifier> {
    Ok(JwtVerifier::new(secret(wiring, &VERIFICATION_KEYS)?, issuer(wiring)?))
}

/// The signing keys, to rotate them.
pub fn signing_keys(wiring: &Wiring) -> Result<JwtKeys> {
    Ok(JwtKeys::new(secret(wiring, &SIGNING_KEYS)?, secret(wiring, &VERIFICATION_KEYS)?))
}

/// Seals secrets, and adds keys for that.
pub fn sealer(wiring: &Wiring) -> Result<SealedSecrets> {
    Ok(SealedSecrets::new(secret(wiring, &SEALING_KEYS)?))
}

/// The stage is part of the issuer, so that no stage accepts the tokens of another, even if it had its keys.
fn issuer(wiring: &Wiring) -> Result<String> {
    Ok(format!("{}-{}", catalog::PREFIX, wiring.config().stage()?))
}
