//! IAM tokens of ElastiCache: presigned `connect` requests, which are the password of a user.

use adapters::config::Credentials;
use adapters_presign::Presigner;
use kernel::Failure;
use std::time::SystemTime;

/// Signs the tokens of one replication group.
#[derive(Debug, Clone)]
pub(crate) struct TokenSigner {
    presigner: Presigner,
    cache: String,
}

impl TokenSigner {
    /// `cache` is the id of the replication group.
    pub(crate) fn new(credentials: Credentials, region: String, cache: String) -> Self {
        Self { presigner: Presigner::new(credentials, region, "elasticache"), cache }
    }

    /// The password of one connection of `user`.
    pub(crate) fn token(&self, user: &str) -> Result<String, Failure> {
        let url = format!("http://{}/", self.cache);
        let signed = self.presigner.sign(&url, &[("Action", "connect"), ("User", user)], SystemTime::now())?;
        // The token is the presigned URL without its scheme.
        Ok(signed.as_str().trim_start_matches("http://").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_a_presigned_connect_request_without_its_scheme() {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
        };
        let signer = TokenSigner::new(credentials, "eu-west-1".to_owned(), "quayside-prod-cache".to_owned());
        let token = signer.token("quayside-prod-functions").unwrap();
        assert!(token.starts_with("quayside-prod-cache/?Action=connect&User=quayside-prod-functions&"), "{token}");
        assert!(token.contains("%2Felasticache%2Faws4_request") && token.contains("X-Amz-Signature="), "{token}");
    }
}
