//! Settings from the environment.

use std::path::{Path, PathBuf};

/// Addresses, credentials and files.
pub struct Settings {
    pub brokers: Vec<String>,
    pub endpoint_url: String,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// The first part of every function's physical name, up to a hyphen.
    pub function_prefix: String,
    pub offsets_file: PathBuf,
}

impl Settings {
    pub fn from_env() -> Result<Self, String> {
        Self::read(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let required = |name: &str| variable(name).ok_or_else(|| format!("the environment variable {name} is not set"));
        let prefix = variable("FUNCTION_PREFIX").unwrap_or_else(|| format!("{}-local-", catalog::PREFIX));
        Ok(Self {
            brokers: required("KAFKA_BROKERS")?.split(',').map(|broker| broker.trim().to_owned()).collect(),
            endpoint_url: required("AWS_ENDPOINT_URL")?,
            region: required("AWS_REGION")?,
            access_key_id: required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
            function_prefix: format!("{}-", prefix.trim_end_matches('-')),
            offsets_file: variable("OFFSETS_FILE").map_or_else(default_offsets_file, PathBuf::from),
        })
    }
}

/// Beside Kafka's data, so that both are deleted together.
fn default_offsets_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/data/kafka-offsets.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_ends_with_one_hyphen_and_missing_variables_are_named() {
        let read = |prefix: &'static str| {
            Settings::read(move |name| Some(if name == "FUNCTION_PREFIX" { prefix } else { "x" }.to_owned()))
        };
        assert_eq!(read("quayside-test-").unwrap().function_prefix, "quayside-test-");
        assert_eq!(read("quayside-test").unwrap().function_prefix, "quayside-test-");
        assert!(Settings::read(|_| None).is_err_and(|error| error.contains("KAFKA_BROKERS")));
    }
}
