//! What the environment says.

use std::path::{Path, PathBuf};

/// Where everything is.
pub struct Settings {
    pub brokers: Vec<String>,
    pub endpoint_url: String,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// What stands before a function's name.
    pub function_prefix: String,
    pub offsets_file: PathBuf,
}

impl Settings {
    pub fn from_env() -> Result<Self, String> {
        Self::read(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let needed = |name: &str| variable(name).ok_or_else(|| format!("the environment variable {name} is not set"));
        let prefix = variable("FUNCTION_PREFIX").unwrap_or_else(|| format!("{}-local-", catalog::PREFIX));
        Ok(Self {
            brokers: needed("KAFKA_BROKERS")?.split(',').map(|broker| broker.trim().to_owned()).collect(),
            endpoint_url: needed("AWS_ENDPOINT_URL")?,
            region: needed("AWS_REGION")?,
            access_key_id: needed("AWS_ACCESS_KEY_ID")?,
            secret_access_key: needed("AWS_SECRET_ACCESS_KEY")?,
            function_prefix: format!("{}-", prefix.trim_end_matches('-')),
            offsets_file: variable("OFFSETS_FILE").map_or_else(offsets_of_this_clone, PathBuf::from),
        })
    }
}

/// Beside Kafka's own data, so that they are thrown away together.
fn offsets_of_this_clone() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/data/kafka-offsets.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_with_one_hyphen_and_what_is_missing_is_named() {
        let read = |prefix: &'static str| {
            Settings::read(move |name| Some(if name == "FUNCTION_PREFIX" { prefix } else { "x" }.to_owned()))
        };
        assert_eq!(read("quayside-test-").unwrap().function_prefix, "quayside-test-");
        assert_eq!(read("quayside-test").unwrap().function_prefix, "quayside-test-");
        assert!(Settings::read(|_| None).is_err_and(|trouble| trouble.contains("KAFKA_BROKERS")));
    }
}
