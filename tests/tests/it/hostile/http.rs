//! HTTP as clients speak it.

use super::routes::Api;
use crate::functions::{ORDER, PRODUCT, sample};
use catalog::{
    DEVICE_REGISTER, ORDER_GET, ORDER_LIST, ORDER_PLACE, ORDER_STATUS_UPDATE, PRODUCT_GET, ROUTE_DEFAULT, Trigger,
    USER_REGISTER,
};
use serde_json::{Value, json};
use testkit::{Dependency, build};

/// A request of the `$default` route.
fn unrouted(method: &str, path: &str) -> Value {
    let mut event = sample(ROUTE_DEFAULT, "ok");
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["method"] = method.into();
    event
}

#[tokio::test]
async fn unknown_path_is_404_and_wrong_method_405_with_allow() {
    let api = Api::new();
    for (method, path, status, code, allow) in [
        ("GET", "/", 404, "route-not-found", None),
        ("GET", "/api/v1/nothing-here", 404, "route-not-found", None),
        ("POST", "/api/v2/orders", 404, "route-not-found", None),
        ("GET", "/api/v1/orders/", 404, "route-not-found", None),
        ("GET", "/api/v1//orders", 404, "route-not-found", None),
        ("PUT", "/api/v1/orders", 405, "method-not-allowed", Some("POST, GET")),
        ("HEAD", "/health", 405, "method-not-allowed", Some("GET")),
        ("POST", "/api/v1/products/7", 405, "method-not-allowed", Some("GET, PUT, DELETE")),
        ("PUT", "/api/v1/products/7/stock", 405, "method-not-allowed", Some("GET, PATCH")),
        ("PATCH", "/api/v1/users/login", 405, "method-not-allowed", Some("POST, GET, PUT, DELETE")),
    ] {
        let answer = api.send(ROUTE_DEFAULT, unrouted(method, path)).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{method} {path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{method} {path}");
        assert_eq!(answer.headers.get("allow").and_then(Value::as_str), allow, "{method} {path}");
    }
    let slash = api.send(ROUTE_DEFAULT, unrouted("GET", "/api/v1/orders/")).await;
    assert!(slash.body["detail"].as_str().unwrap_or_default().contains("leave out the slash"), "{}", slash.body);
}

#[tokio::test]
async fn allow_names_exactly_the_routes_of_a_path() {
    let api = Api::new();
    for function in catalog::FUNCTIONS {
        let Trigger::Http { method, path, .. } = function.trigger else { continue };
        let answer = api.send(ROUTE_DEFAULT, unrouted("TRACE", &path.replace(['{', '}'], ""))).await;
        let allow = answer.headers["allow"].as_str().unwrap_or_default().to_owned();
        assert!(allow.split(", ").any(|one| one == method.name()), "{} {path}: {allow}", method.name());
    }
}

#[tokio::test]
async fn if_match_takes_a_star_and_a_list() {
    for (condition, status) in [
        ("*", 200),
        ("\"3\"", 200),
        ("\"1\", \"3\"", 200),
        ("W/\"2\", \"3\"", 200),
        ("\"1\", \"2\"", 412),
        ("W/\"3\"", 412),
        ("3", 400),
        ("\"3", 400),
    ] {
        let api = Api::new();
        api.platform.orders().put(&crate::functions::confirmed().0);
        let case = format!("set /headers/if-match = {}", json!(condition));
        let answer = api.sample(ORDER_STATUS_UPDATE, &case).await;
        assert_eq!(answer.status, status, "{condition}: {}", answer.body);
        let version = api.platform.orders().all()[0].version;
        assert_eq!(version, if status == 200 { 4 } else { 3 }, "{condition}");
    }
}

#[tokio::test]
async fn etag_of_a_product_changes_with_its_stock_and_answers_304_until_then() {
    let api = Api::new();
    let read = async |tag: Option<&str>| {
        let mut event = sample(PRODUCT_GET, "ok");
        if let Some(tag) = tag {
            event["headers"]["if-none-match"] = tag.into();
        }
        api.send(PRODUCT_GET, event).await
    };
    let first = read(None).await;
    let tag = first.headers["etag"].as_str().expect("a tag").to_owned();
    let same = read(Some(&tag)).await;
    assert_eq!((same.status, &same.body), (304, &Value::Null));
    let level = domain::stock_level::StockLevel { product_id: PRODUCT, available: 4, reserved: 1, version: 2 };
    ports::ProductStore::set_stock(&api.platform.products(), &level).await.expect("stored");
    ports::Cache::invalidate(&api.platform.cache(), &ports::product_cache_key(PRODUCT)).await;
    let changed = read(Some(&tag)).await;
    assert_eq!((changed.status, changed.body["stock_quantity"].as_i64()), (200, Some(4)));
    assert_ne!(changed.headers["etag"], first.headers["etag"]);
}

#[tokio::test]
async fn every_single_resource_answers_304_to_its_own_tag() {
    let api = Api::new();
    api.platform.orders().put(&crate::functions::placed());
    for function in [PRODUCT_GET, catalog::STOCK_GET, ORDER_GET, catalog::PREFERENCES_GET, catalog::JWKS_GET] {
        let first = api.sample(function, "ok").await;
        let tag = first.headers["etag"].as_str().unwrap_or_else(|| panic!("{} has no tag", function.name)).to_owned();
        let mut event = sample(function, "ok");
        event["headers"]["if-none-match"] = tag.into();
        let again = api.send(function, event).await;
        assert_eq!((first.status, again.status, &again.body), (200, 304, &Value::Null), "{}", function.name);
    }
}

#[tokio::test]
async fn registration_whose_response_was_lost_is_replayed_under_its_key() {
    let api = Api::new();
    let (with_key, other_key) = (r#"set /headers/idempotency-key = "k-1""#, r#"set /headers/idempotency-key = "k-2""#);
    let (first, again) = (api.sample(USER_REGISTER, with_key).await, api.sample(USER_REGISTER, with_key).await);
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!((api.sample(USER_REGISTER, other_key).await.code(), api.state()[0]), ("email-taken", 1));
    assert_eq!(api.sample(USER_REGISTER, "ok").await.status, 409, "without a key it is another registration");
    let reused = r#"set /headers/idempotency-key = "k-1"; set /body/username = "grace""#;
    assert_eq!(api.sample(USER_REGISTER, reused).await.code(), "idempotency-key-reused");
}

#[tokio::test]
async fn device_is_registered_once_under_a_key_even_without_the_push_service() {
    let api = Api::new();
    let with_key = r#"set /headers/idempotency-key = "k-1""#;
    let first = api.sample(DEVICE_REGISTER, with_key).await;
    api.platform.faults().take_down(Dependency::Push);
    let again = api.sample(DEVICE_REGISTER, with_key).await;
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body), "{}", again.body);
    let reused = r#"set /headers/idempotency-key = "k-1"; set /body/token = "another""#;
    assert_eq!(api.sample(DEVICE_REGISTER, reused).await.code(), "idempotency-key-reused");
}

#[tokio::test]
async fn repeated_order_gets_its_first_response_while_the_catalogue_is_down() {
    let api = Api::new();
    let first = api.sample(ORDER_PLACE, "ok").await;
    api.platform.faults().take_down(Dependency::Table);
    let again = api.sample(ORDER_PLACE, "ok").await;
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body));
    let other = api.sample(ORDER_PLACE, r#"set /headers/idempotency-key = "another"; set /body/items/0/product_id = "0192f0c1-0000-7000-8000-0000000000b1""#).await;
    assert_eq!((other.status, api.platform.orders().all().len()), (503, 1));
}

#[tokio::test]
async fn page_of_large_orders_is_cut_below_what_lambda_returns() {
    let api = Api::new();
    let mut order = build::order().id(ORDER).owner(crate::functions::USER);
    for n in 0..100 {
        order = order.line(n, 1);
    }
    let mut order = order.placed();
    let name = domain::text::ProductName::parse(&"漢".repeat(200)).expect("a name");
    order.lines.iter_mut().for_each(|line| line.product_name = name.clone());
    for n in 0..100 {
        let id = domain::id::OrderId(kernel::Uuid::from_u128(ORDER.0.as_u128() + n));
        api.platform.orders().put(&domain::order::Order { id, ..order.clone() });
    }
    let (mut seen, mut query, mut pages) = (0, "limit=100".to_owned(), 0);
    loop {
        let answer = api.sample(ORDER_LIST, &format!("set /rawQueryString = {}", json!(query))).await;
        assert_eq!(answer.status, 200);
        assert!(json!(answer.body.to_string()).to_string().len() < 6_000_000, "as Lambda counts it");
        seen += answer.body["items"].as_array().map_or(0, Vec::len);
        pages += 1;
        let Some(cursor) = answer.body["next_cursor"].as_str() else { break };
        query = format!("limit=100&cursor={cursor}");
    }
    assert_eq!(seen, 100);
    assert!(pages > 1, "100 orders of 100 lines are over 6 MB");
}
