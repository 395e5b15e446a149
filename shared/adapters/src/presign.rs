//! Credentials that are signed links: how MSK takes the identity of a role (Signature Version 4, in the query).

use crate::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Failure;
use reqwest::Url;
use std::time::{Duration, SystemTime};

/// How long a signed link may be used to connect; MSK allows a quarter of an hour at most.
const GOOD_FOR: Duration = Duration::from_secs(900);

/// Who signs, and where.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    credentials: Credentials,
    region: String,
}

impl Signer {
    pub(crate) fn new(credentials: Credentials, region: String) -> Self {
        Self { credentials, region }
    }

    /// A bearer token for one connection to Kafka.
    pub(crate) fn kafka_token(&self) -> Result<String, Failure> {
        let link = format!("https://kafka.{}.amazonaws.com/?Action=kafka-cluster%3AConnect", self.region);
        let mut signed = self.signed(&link, "kafka-cluster", SystemTime::now())?;
        // The brokers want to know who asks; that is not part of what is signed.
        signed.query_pairs_mut().append_pair("User-Agent", "quayside");
        Ok(URL_SAFE_NO_PAD.encode(signed.as_str()))
    }

    fn signed(&self, link: &str, service: &str, at: SystemTime) -> Result<Url, Failure> {
        let given = self.credentials.clone();
        let identity = aws_credential_types::Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            given.session_token,
            None,
            "environment",
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(GOOD_FOR);
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(at)
            .settings(settings)
            .build()
            .map_err(Failure::internal)?;
        let request = SignableRequest::new("GET", link, std::iter::empty(), SignableBody::Bytes(&[]));
        let signed = sign(request.map_err(Failure::internal)?, &params.into()).map_err(Failure::internal)?;
        let (instructions, _) = signed.into_parts();
        let mut url = Url::parse(link).map_err(Failure::internal)?;
        for (name, value) in instructions.params() {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url)
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
    fn a_kafka_token_is_a_signed_link_in_base64() {
        let token = signer().kafka_token().unwrap();
        let link = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
        assert!(link.starts_with("https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect&"), "{link}");
        assert!(link.contains("%2Fkafka-cluster%2Faws4_request") && link.ends_with("&User-Agent=quayside"), "{link}");
    }
}
