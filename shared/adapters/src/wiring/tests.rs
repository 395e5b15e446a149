//! What a row declares can be wired, and nothing else.

use super::*;

/// Every variable that any function has.
fn config() -> Config {
    Config::from_vars([
        ("STAGE", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("DATABASE_HOST", "127.0.0.1"),
        ("DATABASE_PORT", "5432"),
        ("DATABASE_NAME", "quayside"),
        ("DATABASE_USER", "orders"),
        ("DATABASE_PASSWORD", "p"),
        ("REDIS_URL", "redis://127.0.0.1:6379"),
        ("PRODUCTS_TABLE", "products"),
        ("INVOICES_BUCKET", "invoices"),
        ("ARCHIVE_BUCKET", "archive"),
        ("ANALYTICS_STREAM", "analytics"),
        ("SIGNING_KEYS_SECRET", "signing-keys"),
        ("GATEWAY_KEY_SECRET", "gateway-key"),
        ("WEBHOOK_SECRET", "webhook-secret"),
        ("SHORTFALL_POLICY", "refund"),
        ("GATEWAY_URL", "http://127.0.0.1:1"),
        ("API_URL", "http://127.0.0.1:1"),
        ("EVENT_BUS", "events"),
        ("EMAIL_FROM", "shop@example.com"),
        ("KAFKA_BROKERS", "127.0.0.1:9092"),
        ("DEAD_LETTER_QUEUE_URL", "http://127.0.0.1:1/q"),
        ("QUEUE_URL", "http://127.0.0.1:1/q"),
    ])
}

fn wiring(function: &'static Function) -> Wiring {
    Wiring::new(function, config())
}

#[test]
fn a_use_that_the_row_does_not_declare_is_refused_by_name() {
    let error = wiring(catalog::HEALTH_GET).products().unwrap_err().to_string();
    assert!(error.contains("health-get") && error.contains("products"), "{error}");
    assert!(wiring(catalog::PRODUCT_GET).bus().is_err());
    assert!(wiring(catalog::ORDER_GET).orders().is_err(), "it declares no bus");
    assert!(wiring(catalog::ORDER_GET).without_bus().orders().is_ok());
    assert!(wiring(catalog::INVOICE_ISSUE).archive().is_err(), "it declares another bucket");
    assert!(wiring(catalog::PAYMENT_CHARGE).tokens().is_err(), "it declares another secret");
    assert!(wiring(catalog::ORDER_PLACE).migrations().is_err());
    assert!(wiring(catalog::ORDER_PLACE).dead_letters().is_err());
}

#[test]
fn the_parts_of_the_saga_are_wired_where_a_row_declares_them() {
    assert!(wiring(catalog::PAYMENT_CHARGE).circuit_breaker().is_ok());
    assert!(wiring(catalog::PAYMENT_RECONCILE).circuit_breaker().is_err(), "it declares no Redis");
    assert!(wiring(catalog::PAYMENT_WEBHOOK).webhook_verifier().is_ok());
    assert!(wiring(catalog::PAYMENT_CHARGE).webhook_verifier().is_err(), "it declares another secret");
    assert!(wiring(catalog::LEDGER_RECONCILE).ledger().is_ok());
    assert!(wiring(catalog::PAYMENT_GET).without_bus().payments().is_ok());
    assert_eq!(wiring(catalog::ORDER_ADVANCE).shortfall_policy().unwrap(), ShortfallPolicy::Refund);
    assert!(wiring(catalog::ORDER_SWEEP).shortfall_policy().is_err());
}

#[test]
fn a_route_asks_what_the_row_says() {
    let route = wiring(catalog::ORDER_PLACE).route().unwrap();
    assert_eq!((route.function, route.idempotent), ("order-place", true));
    assert_eq!(route.access, Access::Roles(&[catalog::role::CUSTOMER]));
    assert!(!wiring(catalog::PRODUCT_GET).route().unwrap().idempotent);
    assert!(wiring(catalog::STOCK_RESERVE).route().is_err());
}

#[test]
fn a_consumer_gives_up_when_its_queue_does() {
    let consumer = wiring(catalog::STOCK_RESERVE).consumer().unwrap();
    assert_eq!((consumer.function, consumer.max_receive_count), ("stock-reserve", catalog::MAX_RECEIVES));
    assert!(wiring(catalog::ORDER_PLACE).consumer().is_err());
}

#[test]
fn what_is_missing_from_the_environment_is_said_before_the_first_invocation() {
    let error = Wiring::new(catalog::PRODUCT_GET, Config::from_vars([])).products().unwrap_err();
    assert!(error.to_string().contains("PRODUCTS_TABLE"), "{error}");
}

#[tokio::test]
async fn without_a_password_the_database_is_given_a_signed_token_of_the_role() {
    let config = Config::from_vars([
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "session/+token"),
        ("DATABASE_HOST", "proxy.example.com"),
        ("DATABASE_PORT", "5432"),
        ("DATABASE_NAME", "quayside"),
        ("DATABASE_USER", "orders"),
    ]);
    let (_, secret) = Wiring::new(catalog::ORDER_GET, config).settings().unwrap();
    let token = secret.password().await.unwrap().unwrap();
    assert!(token.starts_with("proxy.example.com:5432/?Action=connect&DBUser=orders&"), "{token}");
    assert!(token.contains("X-Amz-Expires=900") && token.contains("X-Amz-Signature="), "{token}");
    assert!(token.contains("X-Amz-Security-Token=session%2F%2Btoken"), "{token}");
    assert!(token.contains("%2Frds-db%2Faws4_request"), "{token}");
}
