//! Tokens that verify an address, refresh tokens, and secrets of service clients.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::verification::Token;
use kernel::Failure;
use sha2::{Digest, Sha256};

/// Random tokens, of which SHA-256 is stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomTokens;

impl ports::VerificationTokens for RandomTokens {
    fn verification_token(&self) -> Result<(Token, String), Failure> {
        let mut random = [0_u8; 20];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::internal("no random bytes are available"))?;
        let token = Token::from_random(&random);
        let digest = digest(&token);
        Ok((token, digest))
    }

    fn is_digest_of(&self, stored: &str, token: &Token) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(stored.as_bytes(), digest(token).as_bytes()).is_ok()
    }
}

impl ports::RefreshTokens for RandomTokens {
    fn refresh_token(&self) -> Result<(String, String), Failure> {
        let mut random = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::internal("no random bytes are available"))?;
        let token = URL_SAFE_NO_PAD.encode(random);
        let digest = self.digest(&token);
        Ok((token, digest))
    }

    fn digest(&self, refresh_token: &str) -> String {
        hex_digest(refresh_token.as_bytes())
    }
}

/// With a prefix by which scanners find secrets that were published by mistake.
const SECRET_PREFIX: &str = "qss_";

/// SHA-256, not a slow hash: 256 random bits cannot be guessed, and services get a token every hour.
impl ports::ClientSecrets for RandomTokens {
    fn client_secret(&self) -> Result<(String, String), Failure> {
        let mut random = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::internal("no random bytes are available"))?;
        let secret = format!("{SECRET_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let digest = hex_digest(secret.as_bytes());
        Ok((secret, digest))
    }

    fn is_digest_of_secret(&self, stored: &str, secret: &str) -> bool {
        let digest = hex_digest(secret.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(stored.as_bytes(), digest.as_bytes()).is_ok()
    }
}

pub(crate) fn digest(token: &Token) -> String {
    hex_digest(token.expose().as_ref())
}

fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
