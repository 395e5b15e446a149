//! What clients of every kind send, through the real gateway and the real stores.

use super::stack::{ApiClient, id, order_request, shared_stack, unique};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn requests_without_a_route_are_problems() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    api.get("/api/v1/nothing-here").send().await.problem(404, "route-not-found");
    api.get("/api/v1/orders/").send().await.problem(404, "route-not-found");
    let wrong = api.request(Method::PUT, "/api/v1/orders").send().await;
    assert_eq!(wrong.header("allow"), Some("POST, GET"));
    wrong.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn values_that_the_database_cannot_store_are_the_clients_errors() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    for body in [
        json!({ "email": "a\0@example.com", "password": "correct horse battery" }),
        json!({ "username": "ada\0", "password": "correct horse battery" }),
    ] {
        api.post("/api/v1/users/login").json(&body).send().await.problem(422, "validation");
    }
    let staff = api.staff().await;
    let windows = async |query: &str| api.get(&format!("/api/v1/analytics/windows?{query}")).token(&staff).send().await;
    windows("from=-009999-01-05T00:00:00Z&to=-009999-01-06T00:00:00Z").await.problem(422, "validation");
    windows("cursor=-377705116800-USD").await.problem(422, "validation");
    windows("from=2026-11-21T08:45:00+01:00&to=2026-11-21T09:00:00+01:00").await.expect(200);
}

#[tokio::test]
async fn registration_and_login_take_names_as_people_type_them() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let name = unique("m");
    let email = format!("{name}@müller.de");
    let key = unique("key");
    let body = json!({ "email": email, "username": name, "password": "cr\u{e8}me br\u{fb}l\u{e9}e 1815" });
    let register = async || api.post("/api/v1/users/register").key(&key).json(&body).send().await;
    let first = register().await;
    assert_eq!(first.status.as_u16(), 201, "{}", first.text);
    assert_eq!(first.json()["email"], email);
    let again = register().await;
    assert_eq!((again.status.as_u16(), &again.text), (201, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let decomposed = "cre\u{300}me bru\u{302}le\u{301}e 1815";
    api.login(&format!("{name}@xn--mller-kva.de"), decomposed).await;
    let kelvin =
        json!({ "email": format!("{name}@\u{212a}ate.com"), "username": unique("k"), "password": "1815 countess" });
    api.post("/api/v1/users/register").json(&kelvin).send().await.problem(422, "validation");
}

#[tokio::test]
async fn etag_of_a_product_answers_304_until_its_stock_changes() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let path = format!("/api/v1/products/{}", id(&lantern));
    let read = async |tag: &str| api.get(&path).header("if-none-match", tag).send().await;
    let first = api.get(&path).send().await;
    let tag = first.header("etag").expect("a tag").to_owned();
    let same = read(&tag).await;
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
    api.place(&customer, &lantern, 2, "pm_card_visa").await;
    super::stack::eventually("the product shows its new stock under another tag", async || {
        let changed = read(&tag).await;
        (changed.status == 200 && changed.header("etag") != Some(&tag) && changed.json()["stock_quantity"] != 5)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn address_without_the_parts_that_its_country_lacks_is_accepted() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let mut body = order_request(&lantern, 1, "pm_card_visa");
    body["shipping_address"] =
        json!({ "line1": "1 Harbour Road", "city": "Wan Chai", "region": "Hong Kong Island", "country": "HK" });
    let placed = api.post("/api/v1/orders").token(&customer.token).key(&unique("key")).json(&body).send().await;
    let order = placed.expect(201);
    assert_eq!(order["shipping_address"].get("postal_code"), None, "{order}");
    let decided = api.wait_until_decided(&customer, &order).await;
    assert_eq!(decided["status"], "processing", "{decided}");
}

#[tokio::test]
async fn page_of_an_allowed_origin_may_call_the_api_and_one_of_another_may_not() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    // CORS_ORIGIN of scripts/local/deploy.py.
    let (allowed, other) = ("http://localhost:5173", "https://other.example");
    let preflight = async |origin: &str| {
        let request = api.request(Method::OPTIONS, "/api/v1/orders").header("origin", origin);
        request.header("access-control-request-method", "POST").send().await
    };
    let answer = preflight(allowed).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), Some(allowed));
    let headers = answer.header("access-control-allow-headers").expect("headers").to_owned();
    assert!(["authorization", "idempotency-key", "if-match"].iter().all(|name| headers.contains(name)), "{headers}");
    assert_eq!(preflight(other).await.header("access-control-allow-origin"), None);
    let read = async |origin: &str| api.get("/api/v1/products").header("origin", origin).send().await;
    let page = read(allowed).await;
    assert_eq!(page.header("access-control-allow-origin"), Some(allowed));
    let exposed = page.header("access-control-expose-headers").expect("headers").to_owned();
    assert!(["etag", "location", "ratelimit", "retry-after"].iter().all(|name| exposed.contains(name)), "{exposed}");
    assert_eq!(read(other).await.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn responses_say_what_a_client_has_left_of_its_limits() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let own = api.get("/api/v1/orders").token(&customer.token).send().await;
    let public = api.get("/api/v1/products").send().await;
    let rejected = api.get("/api/v1/orders").send().await;
    for (response, policy) in [(&own, "read"), (&public, "public-read"), (&rejected, "read")] {
        for (field, member) in [("ratelimit-policy", "q="), ("ratelimit", "r=")] {
            let value = response.header(field).expect("the field");
            assert!(value.starts_with(&format!("\"{policy}-minute\";{member}")), "{field}: {value}");
            assert!(value.contains(&format!(", \"{policy}-day\";{member}")), "{field}: {value}");
        }
    }
    assert_eq!(api.get("/health").send().await.header("ratelimit"), None);
}
