//! Presigned URLs (Signature Version 4 in the query), which RDS, ElastiCache and MSK take as proof of identity.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that fails should fail here"))]

use adapters::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use kernel::Failure;
use std::time::{Duration, SystemTime};
use url::Url;

/// Validity of a URL. The services accept at most 15 minutes; a connection outlives its URL.
const LIFETIME: Duration = Duration::from_secs(900);

/// Signs GET requests to one service.
#[derive(Debug, Clone)]
pub struct Presigner {
    credentials: Credentials,
    region: String,
    service: &'static str,
}

impl Presigner {
    /// `service` is the name in the scope of the signature, such as `elasticache`.
    pub const fn new(credentials: Credentials, region: String, service: &'static str) -> Self {
        Self { credentials, region, service }
    }

    /// The region that the signature is valid in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The URL with `query` and its signature, which is valid from `at` for a quarter of an hour.
    pub fn sign(&self, url: &str, query: &[(&str, &str)], at: SystemTime) -> Result<Url, Failure> {
        let mut url = Url::parse_with_params(url, query).map_err(Failure::internal)?;
        let Credentials { access_key_id, secret_access_key, session_token } = self.credentials.clone();
        let identity = aws_credential_types::Credentials::new(
            access_key_id,
            secret_access_key,
            session_token,
            None,
            "environment",
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(LIFETIME);
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(at)
            .settings(settings)
            .build()
            .map_err(Failure::internal)?;
        let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[]));
        let signed = sign(request.map_err(Failure::internal)?, &params.into()).map_err(Failure::internal)?;
        url.query_pairs_mut().extend_pairs(signed.into_parts().0.params());
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(secret: &str, user: &str, second: u64) -> Url {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: secret.to_owned(),
            session_token: Some("session/+token".to_owned()),
        };
        let signer = Presigner::new(credentials, "eu-west-1".to_owned(), "elasticache");
        signer.sign("http://cache/", &[("User", user)], SystemTime::UNIX_EPOCH + Duration::from_secs(second)).unwrap()
    }

    #[test]
    fn signature_names_key_scope_and_lifetime_after_the_query() {
        let url = sign("secret", "a:b", 0);
        assert!(url.as_str().starts_with("http://cache/?User=a%3Ab&"), "{url}");
        for part in [
            "X-Amz-Credential=AKIDEXAMPLE%2F19700101%2Feu-west-1%2Felasticache%2Faws4_request",
            "X-Amz-Expires=900",
            "X-Amz-SignedHeaders=host",
            "X-Amz-Security-Token=session%2F%2Btoken",
            "X-Amz-Signature=",
        ] {
            assert!(url.as_str().contains(part), "{part} in {url}");
        }
    }

    #[test]
    fn signature_depends_on_query_key_and_time() {
        let url = sign("secret", "a", 0);
        assert_ne!(url, sign("secret", "b", 0));
        assert_ne!(url, sign("other", "a", 0));
        assert_ne!(url, sign("secret", "a", 1));
        assert_eq!(url, sign("secret", "a", 0));
    }
}
