//! In-memory fake of the counter key and the secret of the distribution.

use super::{Dependency, RequestSources};
use crate::hex;
use kernel::Failure;
use sha2::{Digest, Sha256};

/// The secret of the distribution in front of a platform.
pub const ORIGIN_SECRET: &str = "the-secret-of-the-distribution-in-front-of-a-platform";

impl ports::RequestSources for RequestSources {
    async fn keyed_hash(&self, text: &str) -> Result<String, Failure> {
        let query = self.0.query(Dependency::Keys, |_| Ok(hex(&Sha256::digest(format!("counter key:{text}")))));
        query.await
    }

    async fn is_from_distribution(&self, secret: &str) -> Result<bool, Failure> {
        self.0.query(Dependency::Keys, |_| Ok(secret == ORIGIN_SECRET)).await
    }
}

impl ports::CounterKey for RequestSources {
    async fn ensure(&self) -> Result<(), Failure> {
        self.0.query(Dependency::Keys, |_| Ok(())).await
    }
}
