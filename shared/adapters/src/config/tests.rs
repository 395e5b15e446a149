//! What each variable may contain.

use super::*;

#[test]
fn missing_or_empty_variable_is_named() {
    let config = Config::from_vars([("STAGE", "")]);
    assert!(config.stage().unwrap_err().to_string().contains("STAGE"));
    assert!(config.event_bus().unwrap_err().to_string().contains("EVENT_BUS"));
}

#[test]
fn invalid_variable_is_named_without_its_value() {
    let config =
        Config::from_vars([("REDIS_URL", "secret-host"), ("KAFKA_BROKERS", "secret-host"), ("KAFKA_AUTH", "x")]);
    for error in
        [config.redis_url().unwrap_err(), config.kafka_brokers().unwrap_err(), config.kafka_auth().unwrap_err()]
    {
        assert!(!error.to_string().contains("secret-host"), "{error}");
        assert!(error.to_string().contains("REDIS_URL") || error.to_string().contains("KAFKA"), "{error}");
    }
}

#[test]
fn redis_without_tls_is_refused_unless_it_is_switched_off() {
    let url = |url, tls| Config::from_vars([("REDIS_URL", url), ("REDIS_TLS", tls)]).redis_url();
    for tls in ["", "require", "off"] {
        assert!(url("rediss://cache.example.com:6379", tls).is_ok(), "{tls}");
    }
    for tls in ["", "require", "maybe"] {
        for plain in ["redis://127.0.0.1:6379", "redis://cache.example.com:6379"] {
            assert!(url(plain, tls).is_err(), "{plain} {tls}");
        }
    }
    assert!(url("redis://127.0.0.1:6379", "off").is_ok());
    assert!(url("http://127.0.0.1:6379", "off").is_err());
}

#[test]
fn urls_lose_trailing_slashes_and_brokers_spaces() {
    let config = Config::from_vars([("API_URL", "https://api.example.com/"), ("KAFKA_BROKERS", "a:1, b:2")]);
    assert_eq!(config.api_url().unwrap(), "https://api.example.com");
    assert_eq!(config.kafka_brokers().unwrap(), ["a:1", "b:2"]);
}

#[test]
fn shortfall_policy_is_a_word_of_the_domain() {
    for policy in ShortfallPolicy::ALL {
        assert_eq!(Config::from_vars([("SHORTFALL_POLICY", policy.name())]).shortfall_policy(), Ok(policy));
    }
    let error = Config::from_vars([("SHORTFALL_POLICY", "shrug")]).shortfall_policy().unwrap_err().to_string();
    assert_eq!(error, "the environment variable SHORTFALL_POLICY must be refund or backorder or review");
    assert!(Config::from_vars([]).shortfall_policy().unwrap_err().to_string().contains("SHORTFALL_POLICY is not set"));
}

#[test]
fn debug_output_contains_no_password() {
    let config = Config::from_vars([
        ("DATABASE_HOST", "h"),
        ("DATABASE_PORT", "5432"),
        ("DATABASE_NAME", "n"),
        ("DATABASE_USER", "u"),
        ("DATABASE_PASSWORD", "hunter2"),
    ]);
    assert!(!format!("{:?}", config.database().unwrap()).contains("hunter2"));
}
