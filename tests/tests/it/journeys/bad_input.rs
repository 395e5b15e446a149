//! Bad input is answered with a problem that names the field, and writes nothing.

use super::stack::{Answer, ApiClient, Person, order_for, unique, var, whole};
use adapters::{Wiring, config::Config};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{id::UserId, user::Role};
use kernel::Timestamp;
use ports::{Claims, Tokens};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

/// The first pointer of a problem.
fn pointer(problem: &Value) -> &str {
    problem["errors"][0]["pointer"].as_str().unwrap_or_else(|| panic!("no pointer: {problem}"))
}

async fn try_order(shop: &ApiClient, person: &Person, body: &Value) -> Answer {
    shop.post("/api/v1/orders").token(&person.token).key(&unique("key")).json(body).send().await
}

async fn orders_of(shop: &ApiClient, person: &Person) -> usize {
    let own = shop.get("/api/v1/orders").token(&person.token).send().await.expect(200);
    own["items"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_by_its_field_and_leaves_nothing() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 5).await);
    for quantity in [0, -1, 1_000_000_000] {
        let problem =
            try_order(&shop, &ada, &order_for(&lantern, quantity, "pm_card_visa")).await.problem(422, "validation");
        assert_eq!(pointer(&problem), "/items/0/quantity");
    }
    let good = order_for(&lantern, 1, "pm_card_visa");
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
        let problem = try_order(&shop, &ada, &body).await.problem(422, "validation");
        assert_eq!(pointer(&problem), expected, "{problem}");
    }
    let mut extra = good.clone();
    extra["discount"] = json!(100);
    assert_eq!(pointer(&try_order(&shop, &ada, &extra).await.problem(422, "validation")), "/discount");
    let mut less = good;
    less.as_object_mut().expect("an object").remove("payment_method");
    assert_eq!(pointer(&try_order(&shop, &ada, &less).await.problem(422, "validation")), "/payment_method");
    assert_eq!((orders_of(&shop, &ada).await, traces_of(&ada).await), (0, 0));
}

/// Orders and events that the database keeps of a customer.
async fn traces_of(person: &Person) -> i64 {
    let (client, connection) = tokio_postgres::connect(&var("DATABASE_URL"), NoTls).await.expect("connected");
    let connection = tokio::spawn(connection);
    let sql = "SELECT (SELECT count(*) FROM orders.orders WHERE user_id = $1::text::uuid)
                    + (SELECT count(*) FROM orders.outbox WHERE event::text LIKE '%' || $1::text || '%')";
    let count = client.query_one(sql, &[&person.id]).await.expect("an answer").get(0);
    drop(client);
    connection.await.expect("it ends").expect("without an error");
    count
}

#[tokio::test]
async fn what_is_no_json_too_large_or_of_another_type_is_told_apart() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let ada = shop.customer().await;
    let ask = || shop.post("/api/v1/orders").token(&ada.token).key("k");
    ask().text("{\"items\": [").header("content-type", "application/json").send().await.problem(400, "malformed-json");
    ask().text("items=1").header("content-type", "text/plain").send().await.problem(415, "unsupported-media-type");
    let large = format!("{{\"items\": \"{}\"}}", "x".repeat(1024 * 1024));
    ask().text(&large).header("content-type", "application/json").send().await.problem(413, "body-too-large");
    assert_eq!(orders_of(&shop, &ada).await, 0);
}

#[tokio::test]
async fn an_idempotency_key_is_required_and_belongs_to_one_body() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(500, 5).await);
    let (one, two) = (order_for(&lantern, 1, "pm_card_visa"), order_for(&lantern, 2, "pm_card_visa"));
    let ask = || shop.post("/api/v1/orders").token(&ada.token);
    ask().json(&one).send().await.problem(400, "idempotency-key-missing");
    let key = unique("key");
    ask().key(&key).json(&one).send().await.expect(201);
    ask().key(&key).json(&two).send().await.problem(422, "idempotency-key-reused");
    assert_eq!(orders_of(&shop, &ada).await, 1);
}

#[tokio::test]
async fn a_token_that_we_did_not_sign_or_that_is_over_lets_nobody_in() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let ada = shop.customer().await;
    let [header, claims, signature] = ada.token.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    let part =
        |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON");
    let sealed = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut admin = part(claims);
    admin["role"] = json!("admin");
    let mut none = part(header);
    none["alg"] = json!("none");
    let mut hs256 = part(header);
    hs256["alg"] = json!("HS256");
    let mut stranger = part(header);
    stranger["kid"] = json!("somebody-elses");
    let mut over = part(claims);
    over["exp"] = json!(1);
    for forged in [
        format!("{}.{}.", sealed(&none), sealed(&admin)),
        format!("{}.{}.{signature}", sealed(&hs256), claims),
        format!("{header}.{}.{signature}", sealed(&admin)),
        format!("{}.{claims}.{signature}", sealed(&stranger)),
        format!("{header}.{}.{signature}", sealed(&over)),
        "not-a-token".to_owned(),
    ] {
        shop.get("/api/v1/orders").token(&forged).send().await.problem(401, "unauthenticated");
    }
    shop.get("/api/v1/orders").token(&ada.token).send().await.expect(200);
}

#[tokio::test]
async fn a_token_of_ours_ends_when_it_says() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let ada = shop.customer().await;
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
        let user_id = UserId(ada.id.parse().expect("an id"));
        let claims = Claims { user_id, role: Role::Customer, issued_at: at(from), expires_at: at(until) };
        tokens.issue(&claims).await.expect("a token")
    };
    let (over, good) = (token(now - 3600, now - 1).await, token(now, now + 600).await);
    shop.get("/api/v1/orders").token(&good).send().await.expect(200);
    shop.get("/api/v1/orders").token(&over).send().await.problem(401, "unauthenticated");
    // Without the header the gateway answers by itself, in a form that nobody can shape.
    assert_eq!(shop.get("/api/v1/orders").send().await.status.as_u16(), 401);
}

#[tokio::test]
async fn the_key_of_a_token_is_in_the_key_set_and_nothing_private_is() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let ada = shop.customer().await;
    let header = ada.token.split('.').next().expect("a header");
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("JSON");
    let set = shop.get("/.well-known/jwks.json").send().await.expect(200);
    let keys = set["keys"].as_array().expect("keys");
    assert!(keys.iter().any(|key| key["kid"] == header["kid"]), "{set}");
    assert!(keys.iter().all(|key| key["kty"] == "EC" && key.get("d").is_none()), "{set}");
}

#[tokio::test]
async fn a_customer_may_not_do_what_staff_does() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let ada = shop.customer().await;
    let body = json!({"sku": unique("SKU").to_uppercase(), "name": "x", "category": "x", "price": {"amount": 1, "currency": "USD"}});
    shop.post("/api/v1/products").token(&ada.token).key("k").json(&body).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn an_address_a_name_and_a_sku_are_given_out_once() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let name = unique("n");
    let register = |email: String, username: String| {
        let body = json!({"email": email, "username": username, "password": "correct horse battery staple"});
        let shop = &shop;
        async move { shop.post("/api/v1/users/register").json(&body).send().await }
    };
    register(format!("{name}@example.com"), name.clone()).await.expect(201);
    register(format!("{name}@EXAMPLE.com"), unique("n")).await.problem(409, "email-taken");
    register(format!("{}@example.com", unique("n")), name).await.problem(409, "username-taken");
    let (staff, lantern) = (shop.staff().await, shop.product(5, 1).await);
    let body = json!({"sku": lantern["sku"], "name": "x", "category": "x", "price": {"amount": 1, "currency": "USD"}});
    let ask = shop.post("/api/v1/products").token(&staff).key(&unique("key")).json(&body);
    assert_eq!(pointer(&ask.send().await.problem(409, "sku-taken")), "/sku");
}

#[tokio::test]
async fn a_wrong_password_says_no_more_than_an_unknown_name_and_five_of_them_lock() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let ada = shop.customer().await;
    let login = async |email: &str| {
        let body = json!({"email": email, "password": "wrong horse battery staple"});
        shop.post("/api/v1/users/login").json(&body).send().await
    };
    let unknown = login("nobody@example.com").await.problem(401, "wrong-credentials");
    let wrong = login(&ada.email).await.problem(401, "wrong-credentials");
    assert_eq!(unknown["detail"], wrong["detail"]);
    for _ in 1..5 {
        login(&ada.email).await.problem(401, "wrong-credentials");
    }
    let locked = login(&ada.email).await;
    assert!(locked.header("retry-after").is_some());
    locked.problem(423, "account-locked");
}
