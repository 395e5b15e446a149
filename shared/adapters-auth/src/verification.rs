//! Tokens that verify an address.

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

fn digest(token: &Token) -> String {
    Sha256::digest(token.expose()).iter().map(|byte| format!("{byte:02x}")).collect()
}
