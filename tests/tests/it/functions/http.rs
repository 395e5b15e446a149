//! Routes: the response to each sample request.

use super::{
    PRODUCT, USER, assert_all_samples_run, clock, customer, passwords::log_in, placed, platform_with_invoice, sample,
    seeded_platform,
};
use adapters::{Wiring, config::Config};
use api::UserView;
use catalog::Function;
use domain::{
    message_limits::{Budget, MessageLimits},
    order::{OrderLimits, Rates},
    user::Register,
};
use edge::http::{Body, Call, Reply};
use kernel::Failure;
use serde::Serialize;
use serde_json::{Value, json};
use services::NewPasswords;
use testkit::{Dependency, Platform};

pub(crate) async fn register(
    platform: &Platform,
    limits: &MessageLimits,
    budget: Budget,
    call: Call<Register>,
) -> Result<Reply<UserView>, Failure> {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    let passwords = &NewPasswords { passwords, strength: passwords };
    user_register::handle(users, (passwords, sources), (limits, budget), call).await
}

/// The expected response to a sample: its name or its edits, the status, and for a problem its code and first pointer.
pub(super) type Expected = (&'static str, u16, &'static str, &'static str);

pub(super) async fn assert_responses<B, T, F>(function: &'static Function, expected: &[Expected], handler: F)
where
    B: Body,
    T: Serialize,
    F: AsyncFn(&str, Call<B>) -> Result<Reply<T>, Failure>,
{
    let cases: Vec<_> = expected.iter().map(|(case, ..)| *case).collect();
    assert_all_samples_run(function, &cases);
    let route = Wiring::new(function, Config::from_vars([])).route().expect("a route");
    for &(case, status, code, pointer) in expected {
        let handler = async |call| handler(case, call).await;
        let response = edge::http::respond(&route, sample(function, case), &clock(), &handler).await;
        let body: Value = serde_json::from_str(response["body"].as_str().unwrap_or("null")).expect("JSON");
        assert_eq!(response["statusCode"], status, "{} {case}: {response}", function.name);
        if code.is_empty() {
            continue;
        }
        assert_eq!(body["type"], format!("/problems/{code}"), "{} {case}", function.name);
        assert_eq!(body["errors"][0]["pointer"].as_str().unwrap_or_default(), pointer, "{} {case}", function.name);
    }
}

#[tokio::test]
async fn health_get_responds_to_any_request() {
    let expected = [("ok", 200, "", ""), ("bad_query_is_ignored", 200, "", "")];
    assert_responses(catalog::HEALTH_GET, &expected, async |_, call| health_get::handle(call).await).await;
}

#[tokio::test]
async fn route_default_is_404_or_405() {
    let expected = [
        ("ok", 404, "route-not-found", ""),
        ("bad_method", 405, "method-not-allowed", ""),
        ("bad_trailing_slash", 404, "route-not-found", ""),
    ];
    assert_responses(catalog::ROUTE_DEFAULT, &expected, async |_, call| route_default::handle(call).await).await;
}

#[tokio::test]
async fn ready_get_is_503_without_the_database_and_degraded_without_the_cache() {
    let expected = [("ok", 200, "", ""), ("bad_database_down", 503, "", "")];
    assert_responses(catalog::READY_GET, &expected, async |case, call| {
        let platform = Platform::new();
        platform.faults().take_down(if case == "ok" { Dependency::Cache } else { Dependency::Database });
        ready_get::handle(&platform.probe(Dependency::Database), &platform.probe(Dependency::Cache), call).await
    })
    .await;
}

#[tokio::test]
async fn jwks_get_returns_the_public_keys() {
    let expected = [("ok", 200, "", ""), ("bad_body_is_ignored", 200, "", "")];
    let platform = Platform::new();
    assert_responses(catalog::JWKS_GET, &expected, async |_, call| jwks_get::handle(&platform.tokens(), call).await)
        .await;
}

#[tokio::test]
async fn user_register_stores_a_customer_or_names_the_field() {
    let expected = [
        ("ok", 201, "", ""),
        (r#"set /body/role = "admin""#, 422, "validation", "/role"),
        ("bad_weak_password", 422, "validation", "/password"),
        (r#"set /body/password = "password123""#, 422, "validation", "/password"),
        (r#"set /body/password = "lovelace2026""#, 422, "validation", "/password"),
        (r#"set /body/email = "ada""#, 422, "validation", "/email"),
        (r#"set /body = "{\"email\":""#, 400, "malformed-json", ""),
    ];
    let platform = Platform::new();
    assert_responses(catalog::USER_REGISTER, &expected, async |_, call| {
        register(&platform, &MessageLimits::default(), Budget::hourly(20), call).await
    })
    .await;
    assert_eq!((platform.users().all().len(), platform.bus().published().len()), (1, 1));
}

#[tokio::test]
async fn user_login_issues_tokens_for_the_right_password_only() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_wrong_password", 401, "wrong-credentials", ""),
        ("bad_no_name", 422, "validation", "/email"),
    ];
    let platform = Platform::new();
    platform.users().put(&customer(), "correct horse battery");
    assert_responses(catalog::USER_LOGIN, &expected, async |_, call| log_in(&platform, call).await).await;
    assert_eq!(platform.users().sessions(USER).len(), 1);
}

#[tokio::test]
async fn product_create_requires_staff_and_a_key() {
    let expected = [
        ("ok", 201, "", ""),
        ("bad_customer", 403, "forbidden", ""),
        ("remove /headers/idempotency-key", 400, "idempotency-key-missing", ""),
        ("set /body/price/amount = -1", 422, "validation", "/price/amount"),
        (r#"set /body/price = {"amount": 1, "currency": "usd"}"#, 422, "validation", "/price/currency"),
    ];
    let platform = Platform::new();
    assert_responses(catalog::PRODUCT_CREATE, &expected, async |_, call| {
        product_create::handle(&platform.products(), call).await
    })
    .await;
    assert_eq!(platform.products().all().len(), 1);
}

#[tokio::test]
async fn product_get_shows_a_product_with_and_without_the_cache() {
    let expected = [("ok", 200, "", ""), ("bad_id", 404, "not-found", ""), ("bad_unknown", 404, "not-found", "")];
    let platform = seeded_platform();
    for _ in 0..2 {
        assert_responses(catalog::PRODUCT_GET, &expected, async |_, call| {
            product_get::handle(&platform.products(), &platform.cache(), call).await
        })
        .await;
    }
    platform.faults().take_down(Dependency::Cache);
    assert_responses(catalog::PRODUCT_GET, &expected, async |_, call| {
        product_get::handle(&platform.products(), &platform.cache(), call).await
    })
    .await;
    platform.faults().restore_all();
    platform.faults().take_down(Dependency::Table);
    let cached = [("ok", 200, "", ""), ("bad_id", 404, "not-found", ""), ("bad_unknown", 404, "not-found", "")];
    assert_responses(catalog::PRODUCT_GET, &cached, async |_, call| {
        product_get::handle(&platform.products(), &platform.cache(), call).await
    })
    .await;
}

#[tokio::test]
async fn stock_get_shows_a_level() {
    let expected = [("ok", 200, "", ""), ("bad_unknown", 404, "not-found", "")];
    let platform = seeded_platform();
    assert_responses(catalog::STOCK_GET, &expected, async |_, call| stock_get::handle(&platform.stock(), call).await)
        .await;
}

#[tokio::test]
async fn order_place_places_one_order_and_rejects_the_rest_by_field() {
    let expected = [
        ("bad_quantity_zero", 422, "validation", "/items/0/quantity"),
        ("set /body/items/0/quantity = -1", 422, "validation", "/items/0/quantity"),
        ("set /body/items/0/quantity = 1000000000", 422, "validation", "/items/0/quantity"),
        (r#"set /body/items/0/quantity = "two""#, 422, "validation", "/items/0/quantity"),
        ("set /body/discount = 100", 422, "validation", "/discount"),
        (r#"set /body = "{\"items\": [""#, 400, "malformed-json", ""),
        ("remove /headers/idempotency-key", 400, "idempotency-key-missing", ""),
        ("remove /requestContext/authorizer", 401, "unauthenticated", ""),
        (r#"set /body/payment_method = "4242424242424242""#, 422, "validation", "/payment_method"),
        ("ok", 201, "", ""),
        // A reused key with another body is reported before anything else about the body.
        (
            r#"set /body/items/0/product_id = "0192f0c1-0000-7000-8000-0000000000b1"; set /headers/idempotency-key = "0b9f7c1e-place""#,
            422,
            "idempotency-key-reused",
            "",
        ),
    ];
    let platform = seeded_platform();
    assert_responses(catalog::ORDER_PLACE, &expected, async |_, call| {
        order_place::handle(
            &platform.orders(),
            &platform.product_snapshots(),
            (OrderLimits::default(), &Rates::default()),
            call,
        )
        .await
    })
    .await;
    assert_eq!((platform.orders().all().len(), platform.bus().published().len()), (1, 1));
}

/// Two responses of order-place to a sample: while the catalogue has only `product`, and after it has the usual one.
async fn before_and_after(case: &str, product: Option<domain::product::Product>) -> [Value; 2] {
    let platform = Platform::new();
    product.into_iter().for_each(|product| platform.products().put(&product));
    let route = Wiring::new(catalog::ORDER_PLACE, Config::from_vars([])).route().expect("a route");
    let request = async || {
        let handler = async |call| {
            order_place::handle(
                &platform.orders(),
                &platform.product_snapshots(),
                (OrderLimits::default(), &Rates::default()),
                call,
            )
            .await
        };
        edge::http::respond(&route, sample(catalog::ORDER_PLACE, case), &clock(), &handler).await
    };
    let first = request().await;
    platform.products().put(&testkit::build::product().id(PRODUCT).created());
    [first, request().await]
}

#[tokio::test]
async fn rejection_is_stored_as_the_response_of_its_key() {
    let too_expensive = testkit::build::product().id(PRODUCT).price(testkit::build::usd(domain::money::MAX_AMOUNT));
    let [first, second] = before_and_after("ok", Some(too_expensive.created())).await;
    assert_eq!((&first["statusCode"], &first["body"]), (&second["statusCode"], &second["body"]));
    assert_eq!(first["statusCode"], 422);
    assert_eq!(second["headers"]["idempotent-replayed"], "true");
}

#[tokio::test]
async fn product_not_yet_on_sale_does_not_consume_the_key() {
    let [first, second] = before_and_after("ok", None).await;
    assert_eq!((&first["statusCode"], &second["statusCode"]), (&json!(422), &json!(201)), "{second}");
}

#[tokio::test]
async fn response_is_replayed_after_the_product_is_taken_off_sale() {
    let platform = seeded_platform();
    let route = Wiring::new(catalog::ORDER_PLACE, Config::from_vars([])).route().expect("a route");
    let empty = Platform::new();
    let request = async |offers: &Platform| {
        let handler = async |call| {
            order_place::handle(
                &platform.orders(),
                &offers.product_snapshots(),
                (OrderLimits::default(), &Rates::default()),
                call,
            )
            .await
        };
        edge::http::respond(&route, sample(catalog::ORDER_PLACE, "ok"), &clock(), &handler).await
    };
    let (first, second) = (request(&platform).await, request(&empty).await);
    assert_eq!((&first["statusCode"], &first["body"]), (&json!(201), &second["body"]));
}

#[tokio::test]
async fn order_get_shows_an_order_to_its_owner() {
    let expected =
        [("ok", 200, "", ""), ("bad_unknown", 404, "not-found", ""), ("bad_no_principal", 401, "unauthenticated", "")];
    let platform = seeded_platform();
    platform.orders().put(&placed());
    assert_responses(catalog::ORDER_GET, &expected, async |_, call| order_get::handle(&platform.orders(), call).await)
        .await;
}

#[tokio::test]
async fn order_list_shows_a_page() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_limit", 422, "validation", "?limit"),
        ("bad_cursor", 422, "validation", "?cursor"),
        (r#"set /rawQueryString = "user_id=0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (
            r#"set /rawQueryString = "user_id=0192f0c1-0000-7000-8000-0000000000ff"; set /requestContext/authorizer/lambda/role = "staff""#,
            200,
            "",
            "",
        ),
        (r#"set /rawQueryString = "status=pending&sort=created_at""#, 200, "", ""),
        (r#"set /rawQueryString = "status=lost""#, 422, "validation", "?status"),
        (r#"set /rawQueryString = "number=0123456789AB""#, 200, "", ""),
        (r#"set /rawQueryString = "number=0123456789a""#, 422, "validation", "?number"),
        (r#"set /rawQueryString = "number=0192f0c1-0000-7000-8000-0000000000ff""#, 422, "validation", "?number"),
        (r#"set /rawQueryString = "sort=price""#, 422, "validation", "?sort"),
        (r#"set /rawQueryString = "min_amount=1""#, 422, "validation", "?currency"),
        (r#"set /rawQueryString = "min_amount=-1&currency=USD""#, 422, "validation", "?min_amount"),
        (r#"set /rawQueryString = "max_amount=1&min_amount=2&currency=USD""#, 422, "validation", "?max_amount"),
        (r#"set /rawQueryString = "currency=XXX""#, 422, "validation", "?currency"),
        (r#"set /rawQueryString = "from=2026-11-21T00:00:00Z&to=2026-11-20T00:00:00Z""#, 422, "validation", "?to"),
    ];
    let platform = seeded_platform();
    platform.orders().put(&placed());
    assert_responses(catalog::ORDER_LIST, &expected, async |_, call| {
        order_list::handle(&platform.orders(), call).await
    })
    .await;
}

#[tokio::test]
async fn invoice_get_returns_a_link_once_the_invoice_exists() {
    let expected = [("ok", 200, "", ""), ("bad_unknown", 404, "not-found", "")];
    let platform = platform_with_invoice().await;
    assert_responses(catalog::INVOICE_GET, &expected, async |_, call| {
        invoice_get::handle(&platform.invoices(), &platform.documents(), call).await
    })
    .await;
}

#[tokio::test]
async fn window_list_requires_staff_or_admin() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_span", 422, "validation", "?to"),
        ("bad_time", 422, "validation", "?from"),
        ("bad_limit", 422, "validation", "?limit"),
        ("bad_customer", 403, "forbidden", ""),
    ];
    let platform = Platform::new();
    assert_responses(catalog::WINDOW_LIST, &expected, async |_, call| {
        window_list::handle(&platform.windows(), call).await
    })
    .await;
}

#[tokio::test]
async fn route_without_its_database_is_503_with_retry_after() {
    let platform = seeded_platform();
    platform.faults().take_down(Dependency::Database);
    let route = Wiring::new(catalog::ORDER_PLACE, Config::from_vars([])).route().expect("a route");
    let handler = async |call| {
        order_place::handle(
            &platform.orders(),
            &platform.product_snapshots(),
            (OrderLimits::default(), &Rates::default()),
            call,
        )
        .await
    };
    let response = edge::http::respond(&route, sample(catalog::ORDER_PLACE, "ok"), &clock(), &handler).await;
    assert_eq!((&response["statusCode"], response["headers"]["retry-after"].is_string()), (&503.into(), true));
    assert_eq!(platform.orders().all().len(), 0);
    assert!(platform.stock().levels().iter().all(|level| level.product_id == PRODUCT && level.reserved == 0));
}
