//! In-memory fake of sealed secrets.

use super::{Dependency, Sealer};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::Failure;
use sha2::{Digest as _, Sha256};

impl ports::Sealer for Sealer {
    async fn seal(&self, associated_data: &str, secret: &[u8]) -> Result<String, Failure> {
        self.0.query(Dependency::Keys, |_| Ok(format!("{associated_data}:{}", URL_SAFE_NO_PAD.encode(secret)))).await
    }

    async fn generate(&self, associated_data: &str) -> Result<(Vec<u8>, String), Failure> {
        self.0.arrange_memory(|state| state.secrets += 1);
        let number = self.0.inspect(|state| state.secrets);
        let secret = Sha256::digest(format!("secret {number}")).to_vec();
        let sealed = self.seal(associated_data, &secret).await?;
        Ok((secret, sealed))
    }

    async fn open(&self, associated_data: &str, sealed: &str) -> Result<Vec<u8>, Failure> {
        let query = self.0.query(Dependency::Keys, |_| {
            let encoded = sealed.strip_prefix(associated_data).and_then(|rest| rest.strip_prefix(':'));
            let secret = encoded.and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok());
            secret.ok_or_else(|| Failure::internal("a sealed secret does not open"))
        });
        query.await
    }
}

impl ports::SealingKeys for Sealer {
    async fn add_sealing_key(&self) -> Result<(), Failure> {
        self.0.query(Dependency::Keys, |_| Ok(())).await
    }
}
