//! IAM tokens of ElastiCache: presigned `connect` requests (Signature Version 4 in the query), which are the password of a user.

use adapters::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use kernel::Failure;
use reqwest::Url;
use std::time::{Duration, SystemTime};

/// ElastiCache accepts at most 15 minutes. A connection outlives its token.
const TOKEN_LIFETIME: Duration = Duration::from_secs(900);

/// Signs the tokens of one replication group.
#[derive(Debug, Clone)]
pub(crate) struct TokenSigner {
    credentials: Credentials,
    region: String,
    cache: String,
}

impl TokenSigner {
    /// `cache` is the id of the replication group.
    pub(crate) fn new(credentials: Credentials, region: String, cache: String) -> Self {
        Self { credentials, region, cache }
    }

    /// The password of one connection of `user`.
    pub(crate) fn token(&self, user: &str) -> Result<String, Failure> {
        self.token_at(user, SystemTime::now())
    }

    fn token_at(&self, user: &str, at: SystemTime) -> Result<String, Failure> {
        let mut url = Url::parse(&format!("http://{}/", self.cache)).map_err(Failure::internal)?;
        url.query_pairs_mut().append_pair("Action", "connect").append_pair("User", user);
        let credentials = self.credentials.clone();
        let identity = aws_credential_types::Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            credentials.session_token,
            None,
            "environment",
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(TOKEN_LIFETIME);
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("elasticache")
            .time(at)
            .settings(settings)
            .build()
            .map_err(Failure::internal)?;
        let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[]));
        let signed = sign(request.map_err(Failure::internal)?, &params.into()).map_err(Failure::internal)?;
        for (name, value) in signed.into_parts().0.params() {
            url.query_pairs_mut().append_pair(name, value);
        }
        // The token is the presigned URL without its scheme.
        Ok(url.as_str().trim_start_matches("http://").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: &str) -> TokenSigner {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: secret.to_owned(),
            session_token: Some("session/+token".to_owned()),
        };
        TokenSigner::new(credentials, "eu-west-1".to_owned(), "quayside-prod-cache".to_owned())
    }

    #[test]
    fn token_is_a_presigned_connect_request_without_its_scheme() {
        let token = signer("secret").token_at("quayside-prod-functions", SystemTime::UNIX_EPOCH).unwrap();
        assert!(token.starts_with("quayside-prod-cache/?Action=connect&User=quayside-prod-functions&"), "{token}");
        for part in [
            "X-Amz-Credential=AKIDEXAMPLE%2F19700101%2Feu-west-1%2Felasticache%2Faws4_request",
            "X-Amz-Expires=900",
            "X-Amz-SignedHeaders=host",
            "X-Amz-Security-Token=session%2F%2Btoken",
            "X-Amz-Signature=",
        ] {
            assert!(token.contains(part), "{part} in {token}");
        }
    }

    #[test]
    fn token_depends_on_user_key_and_time() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let token = signer("secret").token_at("a", at(0)).unwrap();
        assert_ne!(token, signer("secret").token_at("b", at(0)).unwrap());
        assert_ne!(token, signer("other").token_at("a", at(0)).unwrap());
        assert_ne!(token, signer("secret").token_at("a", at(1)).unwrap());
        assert_eq!(token, signer("secret").token_at("a", at(0)).unwrap());
    }
}
