//! Adapters can be wired where a function's row declares their use, and nowhere else.

use adapters::{Wiring, config::Config};
use adapters_postgres::NoEvents;
use catalog::Function;

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
        ("REDIS_TLS", "off"),
        ("RATE_LIMITS", "public_read:60,600;write:6,60"),
        ("PRODUCTS_TABLE", "products"),
        ("INVOICES_BUCKET", "invoices"),
        ("ARCHIVE_BUCKET", "archive"),
        ("RECORD_ARCHIVE_BUCKET", "record-archive"),
        ("ANALYTICS_STREAM", "analytics"),
        ("SIGNING_KEYS_SECRET", "signing-keys"),
        ("VERIFICATION_KEYS_SECRET", "verification-keys"),
        ("SEALING_KEYS_SECRET", "sealing-keys"),
        ("COUNTER_KEY_SECRET", "counter-key"),
        ("ORIGIN_SECRET", "origin-secret"),
        ("GATEWAY_KEY_SECRET", "gateway-key"),
        ("WEBHOOK_SECRET", "webhook-secret"),
        ("SHORTFALL_POLICY", "refund"),
        ("MAX_ORDER_LINES", "100"),
        ("MAX_UNPAID_ORDERS", "20"),
        ("MAX_UNPAID_UNITS", "1000"),
        ("MAX_DELAYED_ORDERS", "500"),
        ("TAX_RATES", "DE:included:19"),
        ("TAX_ROUNDING", "half_up"),
        ("SHIPPING_METHODS", "standard:free"),
        ("MAX_FAILED_ATTEMPTS", "10"),
        ("REFUND_LIMIT", "500"),
        ("SMS_COUNTRIES", "1,49"),
        ("MAX_SMS_PER_CUSTOMER", "20"),
        ("MAX_SMS_PER_ADDRESS", "20"),
        ("MAX_VERIFICATIONS_PER_CUSTOMER", "5"),
        ("MAX_VERIFICATIONS_PER_ADDRESS", "5"),
        ("MAX_REGISTRATIONS_PER_SOURCE", "20"),
        ("INVOICE_SELLER", "Quayside Ltd"),
        ("INVOICE_TIME_ZONE", "UTC"),
        ("INVOICE_YEAR_BEGINS", "01-01"),
        ("GATEWAY_URL", "http://127.0.0.1:1"),
        ("API_URL", "http://127.0.0.1:1"),
        ("CORS_ORIGINS", "https://shop.example"),
        ("EVENT_BUS", "events"),
        ("EMAIL_FROM", "shop@example.com"),
        ("KAFKA_BROKERS", "127.0.0.1:9092"),
        ("KAFKA_AUTH", "iam"),
        ("DEAD_LETTER_QUEUE_URL", "http://127.0.0.1:1/q"),
        ("QUEUE_URL", "http://127.0.0.1:1/q"),
        ("FUNCTIONS_ARN", "arn:aws:lambda:us-east-1:123456789012:function:quayside-test-"),
    ])
}

fn wiring(function: &'static Function) -> Wiring {
    Wiring::new(function, config())
}

#[test]
fn undeclared_use_is_rejected_by_name() {
    let error = adapters_dynamodb::products(&wiring(catalog::HEALTH_GET)).unwrap_err().to_string();
    assert!(error.contains("health-get") && error.contains("products"), "{error}");
    assert!(adapters_eventbridge::bus(&wiring(catalog::PRODUCT_GET)).is_err());
    assert!(adapters_eventbridge::bus(&wiring(catalog::ORDER_GET)).is_err(), "it declares no bus");
    assert!(adapters_postgres::orders(&wiring(catalog::ORDER_GET), NoEvents).is_ok());
    assert!(adapters_s3::archive(&wiring(catalog::INVOICE_ISSUE)).is_err(), "it declares another bucket");
    assert!(adapters_auth::tokens(&wiring(catalog::PAYMENT_CHARGE)).is_err(), "it declares another secret");
    assert!(adapters_auth::tokens(&wiring(catalog::AUTHORIZER)).is_err(), "it declares the public keys alone");
    assert!(adapters_auth::token_verifier(&wiring(catalog::AUTHORIZER)).is_ok());
    assert!(adapters_auth::request_sources(&wiring(catalog::USER_REGISTER)).is_ok());
    assert!(adapters_auth::request_sources(&wiring(catalog::TOKEN_REFRESH)).is_err(), "it counts nothing");
    assert!(adapters_auth::tokens(&wiring(catalog::PASSWORD_CHANGE)).is_err(), "what counts cannot sign");
    assert!(adapters_postgres::migrations(&wiring(catalog::ORDER_PLACE)).is_err());
    assert!(adapters_sqs::dead_letters(&wiring(catalog::ORDER_PLACE)).is_err());
    assert!(adapters_lambda::consumer_mappings(&wiring(catalog::QUEUE_LIST)).is_ok());
    assert!(adapters_lambda::consumer_mappings(&wiring(catalog::QUEUE_REDRIVE)).is_err(), "it declares no mappings");
}

#[test]
fn payment_adapters_are_wired_where_the_row_declares_them() {
    assert!(adapters_redis::circuit_breaker(&wiring(catalog::PAYMENT_CHARGE)).is_ok());
    assert!(adapters_redis::circuit_breaker(&wiring(catalog::PAYMENT_RECONCILE)).is_err(), "it declares no Redis");
    assert!(adapters_stripe::webhook_verifier(&wiring(catalog::PAYMENT_WEBHOOK)).is_ok());
    assert!(adapters_stripe::webhook_verifier(&wiring(catalog::PAYMENT_CHARGE)).is_err(), "it declares another secret");
    assert!(adapters_postgres::ledger(&wiring(catalog::LEDGER_RECONCILE), NoEvents).is_ok());
    assert!(adapters_postgres::payments(&wiring(catalog::PAYMENT_GET), NoEvents).is_ok());
}

#[test]
fn limits_of_clients_are_wired_where_the_class_of_the_route_has_some() {
    assert!(adapters_redis::limited_route(&wiring(catalog::ORDER_PLACE)).is_ok());
    assert!(adapters_redis::cache(&wiring(catalog::PRODUCT_GET)).is_ok());
    for unlimited in [catalog::HEALTH_GET, catalog::PAYMENT_WEBHOOK, catalog::STOCK_RESERVE] {
        assert!(adapters_redis::limited_route(&wiring(unlimited)).is_err(), "{}", unlimited.name);
    }
}

#[test]
fn kafka_is_wired_to_write_or_to_create_topics() {
    assert!(adapters_kafka::event_log(&wiring(catalog::EVENT_FORWARD)).is_ok());
    assert!(adapters_kafka::topics(&wiring(catalog::EVENT_FORWARD)).is_err(), "it declares no creation of topics");
    assert!(adapters_kafka::topics(&wiring(catalog::TOPICS_CREATE)).is_ok());
    assert!(adapters_kafka::event_log(&wiring(catalog::TOPICS_CREATE)).is_err(), "it declares no writing");
}

#[test]
fn missing_variable_is_reported_before_the_first_invocation() {
    let error = adapters_dynamodb::products(&Wiring::new(catalog::PRODUCT_GET, Config::from_vars([]))).unwrap_err();
    assert!(error.to_string().contains("PRODUCTS_TABLE"), "{error}");
}
