//! Wiring follows the row of the catalog.

use super::*;

fn wiring(function: &'static Function) -> Wiring {
    Wiring::new(function, Config::from_vars([("SHORTFALL_POLICY", "refund")]))
}

#[test]
fn undeclared_use_is_rejected_by_name() {
    let error = wiring(catalog::HEALTH_GET).table_name(&catalog::PRODUCTS).unwrap_err().to_string();
    assert!(error.contains("health-get") && error.contains("products"), "{error}");
}

#[test]
fn shortfall_policy_is_wired_where_the_row_declares_it() {
    assert_eq!(wiring(catalog::ORDER_ADVANCE).shortfall_policy().unwrap(), ShortfallPolicy::Refund);
    assert!(wiring(catalog::ORDER_SWEEP).shortfall_policy().is_err());
}

#[test]
fn missing_variable_is_reported_before_the_first_invocation() {
    let error = wiring(catalog::PRODUCT_GET).table_name(&catalog::PRODUCTS).unwrap_err();
    assert!(error.to_string().contains("PRODUCTS_TABLE"), "{error}");
}

#[test]
fn route_follows_the_row() {
    let route = wiring(catalog::ORDER_PLACE).route().unwrap();
    assert_eq!((route.function, route.idempotency), ("order-place", edge::http::KeyHandling::Required));
    assert_eq!(route.access, Access::Roles(&[catalog::role::CUSTOMER]));
    assert_eq!(wiring(catalog::PRODUCT_GET).route().unwrap().idempotency, edge::http::KeyHandling::Ignored);
    assert!(wiring(catalog::STOCK_RESERVE).route().is_err());
}

#[test]
fn consumer_uses_the_receive_limit_of_its_queue() {
    let consumer = wiring(catalog::STOCK_RESERVE).consumer().unwrap();
    assert_eq!((consumer.function, consumer.max_receive_count), ("stock-reserve", catalog::MAX_RECEIVES));
    assert!(wiring(catalog::ORDER_PLACE).consumer().is_err());
}
