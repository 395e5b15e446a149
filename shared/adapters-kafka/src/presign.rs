//! MSK IAM tokens: presigned URLs in base64.

use adapters::config::Credentials;
use adapters_presign::Presigner;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Failure;
use std::time::SystemTime;

#[derive(Debug, Clone)]
pub(crate) struct Signer(Presigner);

impl Signer {
    pub(crate) fn new(credentials: Credentials, region: String) -> Self {
        Self(Presigner::new(credentials, region, "kafka-cluster"))
    }

    /// The bearer token of one connection.
    pub(crate) fn kafka_token(&self) -> Result<String, Failure> {
        let url = format!("https://kafka.{}.amazonaws.com/", self.0.region());
        let mut signed = self.0.sign(&url, &[("Action", "kafka-cluster:Connect")], SystemTime::now())?;
        // Brokers require a user agent, which is not part of the signature.
        signed.query_pairs_mut().append_pair("User-Agent", "quayside");
        Ok(URL_SAFE_NO_PAD.encode(signed.as_str()))
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
