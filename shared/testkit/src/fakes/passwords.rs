//! The in-memory fake of password hashing.

use super::Passwords;
use crate::hex;
use domain::user::Password;
use kernel::Failure;
use sha2::{Digest, Sha256};

/// A string in PHC format that protects nothing.
pub(super) fn fake_hash(salt: &str, password: &str) -> String {
    format!("$fake${salt}${}", hex(&Sha256::digest(format!("{salt}:{password}"))))
}

impl ports::Passwords for Passwords {
    fn hash(&self, password: &Password) -> Result<String, Failure> {
        let salt = self.0.arrange(|state| {
            state.secrets += 1;
            state.secrets
        });
        Ok(fake_hash(&format!("salt{salt}"), password.expose()))
    }

    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Failure> {
        let Some(hash) = hash else { return Ok(false) };
        let mut parts = hash.split('$').skip(1);
        match (parts.next(), parts.next(), parts.next()) {
            (Some("fake"), Some(salt), Some(_)) => Ok(hash == fake_hash(salt, password)),
            _ => Err(Failure::internal("the stored value is not a password hash")),
        }
    }
}
