//! Access tokens, password hashes, sealed secrets, and keyed hashes of request sources.

mod cache;
pub mod origin;
pub mod passwords;
pub mod sealed;
pub mod second_factors;
pub mod sources;
pub mod tokens;
pub mod verification;

pub use origin::OriginSecret;
pub use passwords::Argon2Passwords;
pub use sealed::SealedSecrets;
pub use second_factors::TotpCodes;
pub use sources::{SecretSources, StoredCounterKey};
pub use tokens::{JwtKeys, JwtTokens, JwtVerifier};
pub use verification::RandomTokens;

use adapters::wiring::{Result, Wiring};
use adapters_secrets::secret;
use catalog::{COUNTER_KEY, ORIGIN_SECRET, SEALING_KEYS, SIGNING_KEYS, VERIFICATION_KEYS};
use std::rc::Rc;

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

/// Tells the sources of requests apart.
pub fn request_sources(wiring: &Wiring) -> Result<SecretSources> {
    Ok(SecretSources::new(secret(wiring, &COUNTER_KEY)?, distribution(wiring)?))
}

/// Recognizes the distribution in front of the API, once for all of the process.
pub fn distribution(wiring: &Wiring) -> Result<Rc<OriginSecret>> {
    wiring.shared(|| Ok(Rc::new(OriginSecret::new(secret(wiring, &ORIGIN_SECRET)?))))
}

/// The counter key, to make it.
pub fn counter_key(wiring: &Wiring) -> Result<StoredCounterKey> {
    Ok(StoredCounterKey(secret(wiring, &COUNTER_KEY)?))
}

/// Makes and verifies codes of second factors.
pub fn totp_codes(wiring: &Wiring) -> Result<TotpCodes> {
    Ok(TotpCodes::new(sealer(wiring)?))
}

/// The stage is part of the issuer, so that no stage accepts the tokens of another, even if it had its keys.
fn issuer(wiring: &Wiring) -> Result<String> {
    Ok(format!("{}-{}", catalog::PREFIX, wiring.config().stage()?))
}
