//! Invalid requests: the problem names the field, and nothing is stored.

use super::stack::{ApiClient, ApiResponse, User, count_of_user, order_request, shared_stack, unique, var};
use adapters::{Wiring, config::Config};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    id::{SessionId, UserId},
    user::Role,
};
use edge::http::{ORIGIN_SECRET, VIEWER_ADDRESS};
use kernel::{Ids, Timestamp};
use ports::{Claims, Tokens};
use serde_json::{Value, json};

/// The first pointer of a problem.
fn pointer(problem: &Value) -> &str {
    problem["errors"][0]["pointer"].as_str().unwrap_or_else(|| panic!("no pointer: {problem}"))
}

async fn place_order(api: &ApiClient, user: &User, body: &Value) -> ApiResponse {
    api.post("/api/v1/orders").token(&user.token).key(&unique("key")).json(body).send().await
}

async fn orders_of(api: &ApiClient, user: &User) -> usize {
    let own = api.get("/api/v1/orders").token(&user.token).send().await.expect(200);
    own["items"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn invalid_order_is_rejected_by_field_and_stores_nothing() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    for quantity in [0, -1, 1_000_000_000] {
        let problem = place_order(&api, &customer, &order_request(&lantern, quantity, "pm_card_visa"))
            .await
            .problem(422, "validation");
        assert_eq!(pointer(&problem), "/items/0/quantity");
    }
    let good = order_request(&lantern, 1, "pm_card_visa");
    for (change, value, expected) in [
        ("/items/0/quantity", json!("two"), "/items/0/quantity"),
        ("/items/0/product_id", json!(unique("x")), "/items/0/product_id"),
        ("/items/0/product_id", json!("0192f0c1-0000-7000-8000-000000000000"), "/items/0/product_id"),
        ("/payment_method", json!("4242424242424242"), "/payment_method"),
        ("/shipping_address/country", json!("usa"), "/shipping_address/country"),
        ("/items", json!([]), "/items"),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(change).expect("a member") = value;
        let problem = place_order(&api, &customer, &body).await.problem(422, "validation");
        assert_eq!(pointer(&problem), expected, "{problem}");
    }
    let mut extra = good.clone();
    extra["discount"] = json!(100);
    assert_eq!(pointer(&place_order(&api, &customer, &extra).await.problem(422, "validation")), "/discount");
    let mut less = good;
    less.as_object_mut().expect("an object").remove("payment_method");
    assert_eq!(pointer(&place_order(&api, &customer, &less).await.problem(422, "validation")), "/payment_method");
    assert_eq!((orders_of(&api, &customer).await, row_count(&customer).await), (0, 0));
}

/// Number of orders and events of a customer in the database.
async fn row_count(user: &User) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM orders.orders WHERE user_id = $1::text::uuid)
                    + (SELECT count(*) FROM orders.outbox WHERE event::text LIKE '%' || $1::text || '%')";
    count_of_user(sql, &user.id).await
}

#[tokio::test]
async fn malformed_oversized_and_mistyped_bodies_get_distinct_errors() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let request = || api.post("/api/v1/orders").token(&customer.token).key("k");
    request()
        .text("{\"items\": [")
        .header("content-type", "application/json")
        .send()
        .await
        .problem(400, "malformed-json");
    request().text("items=1").header("content-type", "text/plain").send().await.problem(415, "unsupported-media-type");
    let large = format!("{{\"items\": \"{}\"}}", "x".repeat(1024 * 1024));
    request().text(&large).header("content-type", "application/json").send().await.problem(413, "body-too-large");
    assert_eq!(orders_of(&api, &customer).await, 0);
}

#[tokio::test]
async fn idempotency_key_is_required_and_bound_to_one_body() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(500, 5).await);
    let (one, two) = (order_request(&lantern, 1, "pm_card_visa"), order_request(&lantern, 2, "pm_card_visa"));
    let request = || api.post("/api/v1/orders").token(&customer.token);
    request().json(&one).send().await.problem(400, "idempotency-key-missing");
    let key = unique("key");
    request().key(&key).json(&one).send().await.expect(201);
    request().key(&key).json(&two).send().await.problem(422, "idempotency-key-reused");
    assert_eq!(orders_of(&api, &customer).await, 1);
}

#[tokio::test]
async fn forged_or_expired_token_is_rejected() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let [header, claims, signature] = customer.token.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    let decode =
        |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON");
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut admin = decode(claims);
    admin["role"] = json!("admin");
    let mut none = decode(header);
    none["alg"] = json!("none");
    let mut hs256 = decode(header);
    hs256["alg"] = json!("HS256");
    let mut unknown_key = decode(header);
    unknown_key["kid"] = json!("unknown");
    let mut expired = decode(claims);
    expired["exp"] = json!(1);
    for forged in [
        format!("{}.{}.", encode(&none), encode(&admin)),
        format!("{}.{}.{signature}", encode(&hs256), claims),
        format!("{header}.{}.{signature}", encode(&admin)),
        format!("{}.{claims}.{signature}", encode(&unknown_key)),
        format!("{header}.{}.{signature}", encode(&expired)),
        "not-a-token".to_owned(),
    ] {
        api.get("/api/v1/orders").token(&forged).send().await.problem(401, "unauthenticated");
    }
    api.get("/api/v1/orders").token(&customer.token).send().await.expect(200);
}

#[tokio::test]
async fn access_token_is_rejected_after_it_expires() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let secret = format!("{}/local/{}", catalog::PREFIX, catalog::SIGNING_KEYS.name);
    let config = Config::from_vars([
        ("STAGE", "local"),
        ("AWS_REGION", &var("AWS_REGION")),
        ("AWS_ENDPOINT_URL", &var("AWS_ENDPOINT_URL")),
        ("AWS_ACCESS_KEY_ID", &var("AWS_ACCESS_KEY_ID")),
        ("AWS_SECRET_ACCESS_KEY", &var("AWS_SECRET_ACCESS_KEY")),
        (catalog::SIGNING_KEYS.env, &secret),
    ]);
    let tokens = adapters_auth::tokens(&Wiring::new(catalog::USER_LOGIN, config)).expect("tokens");
    let now = Timestamp::now().as_second();
    let token = async |from: i64, until: i64| {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let user_id = UserId(customer.id.parse().expect("an id"));
        let session_id = SessionId(Ids::system().next());
        let claims = Claims { user_id, session_id, role: Role::Customer, issued_at: at(from), expires_at: at(until) };
        tokens.issue(&claims).await.expect("a token")
    };
    let (expired, valid) = (token(now - 3600, now - 1).await, token(now, now + 600).await);
    api.get("/api/v1/orders").token(&valid).send().await.expect(200);
    api.get("/api/v1/orders").token(&expired).send().await.problem(401, "unauthenticated");
    let anonymous = api.get("/api/v1/orders").send().await;
    assert_eq!(anonymous.header("www-authenticate"), Some("Bearer"));
    anonymous.problem(401, "unauthenticated");
}

#[tokio::test]
async fn key_set_contains_the_signing_key_and_nothing_private() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let header = customer.token.split('.').next().expect("a header");
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("JSON");
    let set = api.get("/.well-known/jwks.json").send().await.expect(200);
    let keys = set["keys"].as_array().expect("keys");
    assert!(keys.iter().any(|key| key["kid"] == header["kid"]), "{set}");
    assert!(keys.iter().all(|key| key["kty"] == "EC" && key.get("d").is_none()), "{set}");
}

#[tokio::test]
async fn customer_cannot_call_staff_routes() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let body = json!({"sku": unique("SKU").to_uppercase(), "name": "x", "category": "x", "price": {"amount": 1, "currency": "USD"}});
    api.post("/api/v1/products").token(&customer.token).key("k").json(&body).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn email_username_and_sku_are_unique() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let name = unique("n");
    let register = |email: String, username: String| {
        let body = json!({"email": email, "username": username, "password": "correct horse battery staple"});
        let api = &api;
        async move { api.post("/api/v1/users/register").json(&body).send().await }
    };
    register(format!("{name}@example.com"), name.clone()).await.expect(201);
    register(format!("{name}@EXAMPLE.com"), unique("n")).await.problem(409, "email-taken");
    register(format!("{}@example.com", unique("n")), name).await.problem(409, "username-taken");
    let (staff, lantern) = (api.staff().await, api.product(5, 1).await);
    let body = json!({"sku": lantern["sku"], "name": "x", "category": "x", "price": {"amount": 1, "currency": "USD"}});
    let request = api.post("/api/v1/products").token(&staff).key(&unique("key")).json(&body);
    assert_eq!(pointer(&request.send().await.problem(409, "sku-taken")), "/sku");
}

#[tokio::test]
async fn wrong_password_looks_like_an_unknown_user_and_five_delay_both() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let login = async |email: &str| {
        let body = json!({"email": email, "password": "wrong horse battery staple"});
        api.post("/api/v1/users/login").json(&body).send().await
    };
    let nobody = format!("{}@example.com", unique("nobody"));
    for _ in 0..5 {
        let unknown = login(&nobody).await.problem(401, "wrong-credentials");
        let wrong = login(&customer.email).await.problem(401, "wrong-credentials");
        assert_eq!(unknown["detail"], wrong["detail"]);
    }
    for name in [&nobody, &customer.email] {
        let delayed = login(name).await;
        assert!(delayed.header("retry-after").is_some());
        delayed.problem(429, "too-many-logins");
    }
}

#[tokio::test]
async fn forged_viewer_address_with_a_guessed_secret_changes_nothing() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    for function in catalog::FUNCTIONS.iter().filter(|function| function.limits_viewers()) {
        let catalog::Trigger::Http { method, .. } = function.trigger else { continue };
        let method = method.name().parse().expect("a method");
        let path = function.path_of("0192f0c1-0000-7000-8000-000000000000");
        let request = api.request(method, &path).header(VIEWER_ADDRESS, "198.51.100.7");
        let response = request.header(ORIGIN_SECRET, &"guessed ".repeat(8)).send().await;
        assert!(response.status.as_u16() < 429, "{}: {}", function.name, response.text);
        assert!(response.header("ratelimit").is_some(), "{} counts it for its sender", function.name);
    }
}
