//! MSK IAM tokens: presigned URLs (Signature Version 4 in the query) in base64.

use adapters::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Failure;
use reqwest::Url;
use std::time::{Duration, SystemTime};

/// MSK accepts at most 15 minutes.
const TOKEN_LIFETIME: Duration = Duration::from_secs(900);

#[derive(Debug, Clone)]
pub(crate) struct Signer {
    credentials: Credentials,
    region: String,
}

impl Signer {
    pub(crate) fn new(credentials: Credentials, region: String) -> Self {
        Self { credentials, region }
    }

    /// The bearer token of one connection.
    pub(crate) fn kafka_token(&self) -> Result<String, Failure> {
        let url = format!("https://kafka.{}.amazonaws.com/?Action=kafka-cluster%3AConnect", self.region);
        let mut signed = self.presigned(&url, "kafka-cluster", SystemTime::now())?;
        // Brokers require a user agent, which is not part of the signature.
        signed.query_pairs_mut().append_pair("User-Agent", "quayside");
        Ok(URL_SAFE_NO_PAD.encode(signed.as_str()))
    }

    fn presigned(&self, url: &str, service: &str, at: SystemTime) -> Result<Url, Failure> {
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
            .name(service)
            .time(at)
            .settings(settings)
            .build()
            .map_err(Failure::internal)?;
        let request = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[]));
        let signed = sign(request.map_err(Failure::internal)?, &params.into()).map_err(Failure::internal)?;
        let (instructions, _) = signed.into_parts();
        let mut presigned = Url::parse(url).map_err(Failure::internal)?;
        for (name, value) in instructions.params() {
            presigned.query_pairs_mut().append_pair(name, value);
        }
        Ok(presigned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: Some("session/+token".to_owned()),
        };
        Signer::new(credentials, "eu-west-1".to_owned())
    }

    #[test]
    fn kafka_token_is_a_presigned_url_in_base64() {
        let token = signer().kafka_token().unwrap();
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
        assert!(url.starts_with("https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect&"), "{url}");
        assert!(url.contains("%2Fkafka-cluster%2Faws4_request") && url.ends_with("&User-Agent=quayside"), "{url}");
    }
}
