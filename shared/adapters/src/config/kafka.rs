//! How to reach Kafka and log in to it.

use super::{Config, ConfigError, Result, env};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How to log in to Kafka. Both ways use TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KafkaAuth {
    /// A token, signed with the function's own credentials.
    Iam,
    /// SCRAM-SHA-512, with a login from a secret.
    Scram {
        /// ARN of the secret.
        secret: String,
    },
}

impl Config {
    /// Kafka's bootstrap servers.
    pub fn kafka_brokers(&self) -> Result<Vec<String>> {
        let brokers: Vec<String> = self.text(env::KAFKA_BROKERS)?.split(',').map(|one| one.trim().to_owned()).collect();
        match brokers.iter().all(|broker| broker.contains(':')) {
            true => Ok(brokers),
            false => Err(ConfigError::invalid(env::KAFKA_BROKERS, "host:port, separated by commas")),
        }
    }

    /// How to log in to Kafka.
    pub fn kafka_auth(&self) -> Result<KafkaAuth> {
        match self.text(env::KAFKA_AUTH)?.as_str() {
            "iam" => Ok(KafkaAuth::Iam),
            "scram" => Ok(KafkaAuth::Scram { secret: self.text(env::KAFKA_LOGIN_SECRET)? }),
            _ => Err(ConfigError::invalid(env::KAFKA_AUTH, "iam or scram")),
        }
    }

    /// The authority of the brokers' certificates in DER; `None` for the public authorities.
    pub fn kafka_authority(&self) -> Result<Option<Vec<u8>>> {
        let invalid = |_| ConfigError::invalid(env::KAFKA_CA, "a certificate, DER in base64");
        self.optional(env::KAFKA_CA).map(|text| STANDARD.decode(text).map_err(invalid)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafka_is_reached_with_a_login_or_not_at_all() {
        let auth = |auth, secret| {
            Config::from_vars([("KAFKA_AUTH", auth), ("KAFKA_LOGIN_SECRET", secret)])
                .kafka_auth()
                .map_err(|e| e.to_string())
        };
        assert_eq!(auth("iam", ""), Ok(KafkaAuth::Iam));
        assert_eq!(auth("scram", "arn:s"), Ok(KafkaAuth::Scram { secret: "arn:s".into() }));
        assert!(auth("scram", "").unwrap_err().contains("KAFKA_LOGIN_SECRET is not set"));
        assert!(auth("", "arn:s").unwrap_err().contains("KAFKA_AUTH is not set"));
        assert!(auth("plain", "arn:s").unwrap_err().contains("KAFKA_AUTH must be iam or scram"));
    }

    #[test]
    fn authority_of_kafka_is_der_in_base64() {
        let authority = |text| Config::from_vars([("KAFKA_CA", text)]).kafka_authority();
        assert_eq!(authority(""), Ok(None));
        assert_eq!(authority("AQID"), Ok(Some(vec![1, 2, 3])));
        assert!(authority("-----BEGIN").unwrap_err().to_string().contains("KAFKA_CA"));
    }
}
