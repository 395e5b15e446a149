//! Tests of the HTTP runner through `respond`, with events as API Gateway sends them: requests here, responses in `responses`.

mod conditions;
mod cookies;
mod limits;
mod refusals;
mod responses;

use super::route::MAX_BODY;
use super::*;
use crate::testing::{HttpEvent, http_event};
use kernel::{Timestamp, Uuid};
use serde::Deserialize;
use serde_json::json;

const FIXTURE: &str = include_str!("../../fixtures/http.json");
const ROUTE: Route = Route::new("thing-do", Access::Roles(&["customer", "admin"]));
const USER: Uuid = Uuid::from_u128(0x0198_a3c0_0000_7000_8000_0000_0000_0001);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    delta: i64,
}

struct Response {
    status: i64,
    headers: Value,
    text: String,
}

impl Response {
    fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Code and status of a problem document.
    fn problem(&self) -> (String, i64) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        let body = self.body();
        assert_eq!(body["status"], self.status);
        (body["type"].as_str().unwrap().strip_prefix("/problems/").unwrap().to_owned(), self.status)
    }
}

fn clock() -> Clock {
    Clock::at(Timestamp::UNIX_EPOCH, 1)
}

async fn send<B: Body, T: Serialize>(
    route: Route,
    event: Value,
    handler: impl AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
) -> Response {
    let response = respond(&route, event, &clock(), &handler).await;
    Response {
        status: response["statusCode"].as_i64().unwrap(),
        headers: response["headers"].clone(),
        text: response["body"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Sends a request to a handler that takes a [`Change`] and returns it.
async fn change(route: Route, event: HttpEvent) -> Response {
    send(route, event.build(), async |call: Call<Change>| Ok(Reply::ok(json!({ "delta": call.body.delta })))).await
}

fn patch() -> HttpEvent {
    http_event("PATCH", "/things/7").principal(USER, "customer").body(json!({ "delta": -3 }))
}

fn problem(code: &str, status: i64) -> (String, i64) {
    (code.to_owned(), status)
}

#[tokio::test]
async fn viewer_address_counts_only_with_the_secret_of_the_distribution() {
    // (headers, the address that counts)
    for (headers, expected) in [
        (json!({}), "203.0.113.9"),
        (json!({ "x-viewer-address": "198.51.100.1" }), "203.0.113.9"),
        (json!({ "x-viewer-address": "198.51.100.1", "x-origin-secret": "guessed" }), "203.0.113.9"),
        (json!({ "x-origin-secret": "ours" }), "203.0.113.9"),
        (json!({ "x-viewer-address": "not an address", "x-origin-secret": "ours" }), "203.0.113.9"),
        (json!({ "x-viewer-address": "198.51.100.1", "x-origin-secret": "ours" }), "198.51.100.1"),
        (json!({ "x-viewer-address": "2001:db8::1", "x-origin-secret": "ours" }), "2001:db8::1"),
        (json!({ "x-viewer-address": "198.51.100.1", "x-origin-secret": "guessed,ours" }), "203.0.113.9"),
    ] {
        let mut event: Value = serde_json::from_str(FIXTURE).unwrap();
        event["headers"].as_object_mut().unwrap().extend(headers.as_object().unwrap().clone());
        let response = send(ROUTE, event, async |call: Call<Change>| {
            let address = call.client_address(async |secret| Ok(secret == "ours")).await?;
            Ok(Reply::ok(json!({ "address": address })))
        })
        .await;
        assert_eq!(response.text, json!({ "address": expected }).to_string(), "{headers}");
    }
}

#[tokio::test]
async fn handler_gets_all_members_of_the_event() {
    let route = ROUTE.idempotent();
    let response = send(route, serde_json::from_str(FIXTURE).unwrap(), async |call: Call<Change>| {
        assert_eq!(call.body.delta, -3);
        assert_eq!(call.path::<Uuid>("id")?.as_u128() & 0xff, 0x0a);
        assert_eq!(call.query::<String>("q")?.as_deref(), Some("red shoes"));
        assert_eq!(call.query::<u32>("absent")?, None);
        assert_eq!(call.page()?, PageRequest { limit: 5, cursor: None });
        assert_eq!(call.principal()?, &Principal { id: USER, role: "customer".to_owned() });
        assert_eq!(call.context().actor, call.principal.as_ref(), "its events are the caller's");
        assert!(call.if_match()?.matches(3));
        assert_eq!(call.header("USER-AGENT"), Some("curl/8.5.0"));
        assert_eq!(call.client_address(async |_| Ok(true)).await?, Some("203.0.113.9"));
        assert_eq!(call.now, Timestamp::UNIX_EPOCH);
        let claim = call.idempotency_key()?;
        assert_eq!(claim.key, "6f1c-key");
        assert_eq!(claim.scope, format!("{USER}:thing-do"));
        assert_eq!(claim.fingerprint.len(), 64);
        assert_eq!(call.trace.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        Ok(Reply::created(json!({ "id": 7 })).etag(4).location("/things/7"))
    })
    .await;
    assert_eq!((response.status, response.text.as_str()), (201, r#"{"id":7}"#));
    assert_eq!(
        response.headers,
        json!({
            "content-type": "application/json", "etag": "\"4\"", "location": "/things/7", "cache-control": "no-store",
            "x-correlation-id": "0198a3c0-0000-7000-8000-00000000c0de", "x-request-id": "JKJaXmPLvHcESHA=",
        })
    );
}

#[tokio::test]
async fn missing_principal_is_401_with_www_authenticate() {
    let response = change(ROUTE, http_event("PATCH", "/things/7").body(json!({ "delta": 1 }))).await;
    assert_eq!(response.problem(), problem("unauthenticated", 401));
    assert_eq!(response.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn malformed_subject_counts_as_anonymous() {
    let mut event = patch().build();
    event["requestContext"]["authorizer"]["lambda"]["sub"] = json!("root");
    let response = send(ROUTE, event, async |_: Call<Change>| Ok(Reply::ok(()))).await;
    assert_eq!(response.problem(), problem("unauthenticated", 401));
}

#[tokio::test]
async fn role_without_access_is_403() {
    assert_eq!(change(ROUTE, patch().principal(USER, "service")).await.problem(), problem("forbidden", 403));
}

#[test]
fn refusal_logs_the_principal() {
    let caller = Principal { id: USER, role: "service".to_owned() };
    let refusal = Access::Roles(&["admin"]).check(Some(&caller)).unwrap_err();
    assert_eq!(refusal.internal, Some(format!("{USER} as service")));
    assert!(!refusal.detail.contains("service"), "{}", refusal.detail);
}

#[tokio::test]
async fn public_route_accepts_anyone_and_knows_an_authenticated_caller() {
    let route = Route::new("thing-list", Access::Public);
    let who = async |call: Call<NoBody>| Ok(Reply::ok(call.principal.map(|principal| principal.role)));
    assert_eq!(send(route, http_event("GET", "/things").build(), who).await.body(), json!(null));
    let known = http_event("GET", "/things").principal(USER, "staff").build();
    assert_eq!(send(route, known, who).await.body(), json!("staff"));
}

#[tokio::test]
async fn route_with_optional_access_lets_its_handler_identify_the_anonymous() {
    let route = Route::new("thing-end", Access::Optional(&["customer", "admin"]));
    let who = async |call: Call<NoBody>| Ok(Reply::ok(call.principal.map(|principal| principal.role)));
    assert_eq!(send(route, http_event("POST", "/things").build(), who).await.body(), json!(null));
    let by = async |role: &str| send(route, http_event("POST", "/things").principal(USER, role).build(), who).await;
    assert_eq!(by("admin").await.body(), json!("admin"));
    assert_eq!(by("service").await.problem(), problem("forbidden", 403));
}

#[tokio::test]
async fn authorization_is_checked_first() {
    let response = change(ROUTE.idempotent(), http_event("PATCH", "/things/7").text("{")).await;
    assert_eq!(response.problem(), problem("unauthenticated", 401));
}

#[tokio::test]
async fn malformed_json_is_400() {
    let json = |text: &str| patch().text(text).header("content-type", "application/json");
    assert_eq!(change(ROUTE, json("{\"delta\": ")).await.problem(), problem("malformed-json", 400));
    assert_eq!(change(ROUTE, json("")).await.problem(), problem("malformed-json", 400));
    assert_eq!(
        change(ROUTE, http_event("PATCH", "/t").principal(USER, "admin")).await.problem(),
        problem("malformed-json", 400)
    );
}

#[tokio::test]
async fn duplicate_member_is_400_and_a_whole_number_with_a_point_is_accepted() {
    let json = |text: &str| patch().text(text).header("content-type", "application/json");
    let twice = change(ROUTE, json(r#"{"delta": 1, "delta": 1000}"#)).await;
    assert_eq!(twice.problem(), problem("duplicate-member", 400));
    assert_eq!(change(ROUTE, json(r#"{"delta": 3.0}"#)).await.body(), json!({ "delta": 3 }));
}

#[tokio::test]
async fn nul_is_422_wherever_it_is_sent() {
    let any = async |call: Call<Value>| call.query::<String>("q").map(|_| Reply::ok(()));
    let response = send(ROUTE, patch().body(json!({ "a": ["x", "y\0"] })).build(), any).await;
    assert_eq!(response.problem(), problem("validation", 422));
    assert_eq!(response.body()["errors"][0]["pointer"], "/a/1");
    let event = http_event("PATCH", "/things?q=a%00b").principal(USER, "admin").body(json!({})).build();
    assert_eq!(send(ROUTE, event, any).await.problem(), problem("validation", 422));
    let id = async |call: Call<NoBody>| call.path::<String>("id").map(Reply::ok);
    let event = http_event("GET", "/things/x").principal(USER, "admin").path_param("id", "a%00").build();
    assert_eq!(send(ROUTE, event, id).await.problem(), problem("not-found", 404));
}

#[tokio::test]
async fn body_nested_deeper_than_32_levels_is_400() {
    let nested = |levels: usize| patch().text(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    let json = |event: HttpEvent| event.header("content-type", "application/json").build();
    let any = async |_: Call<Value>| Ok(Reply::ok(()));
    assert_eq!(send(ROUTE, json(nested(32)), any).await.status, 200);
    assert_eq!(send(ROUTE, json(nested(33)), any).await.problem(), problem("malformed-json", 400));
    assert_eq!(send(ROUTE, json(nested(1000)), any).await.problem(), problem("malformed-json", 400));
}

#[tokio::test]
async fn invalid_body_is_422_naming_the_member() {
    for (body, pointer) in [
        (json!({ "delta": "three" }), "/delta"),
        (json!({ "delta": 1, "gift": true }), "/gift"),
        (json!({}), "/delta"),
        (json!({ "delta": 1.5 }), "/delta"),
    ] {
        let response = change(ROUTE, patch().body(body)).await;
        assert_eq!(response.problem(), problem("validation", 422));
        assert_eq!(response.body()["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn other_media_type_is_415() {
    for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let response = change(ROUTE, patch().header("content-type", wrong)).await;
        assert_eq!(response.problem(), problem("unsupported-media-type", 415), "{wrong}");
    }
    for right in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
        assert_eq!(change(ROUTE, patch().header("Content-Type", right)).await.status, 200, "{right}");
    }
}

#[tokio::test]
async fn body_over_the_limit_is_413() {
    let json = |bytes: usize| {
        let body = format!("{{\"delta\": 1{}}}", " ".repeat(bytes - 12));
        assert_eq!(body.len(), bytes);
        patch().text(&body).header("content-type", "application/json")
    };
    assert_eq!(change(ROUTE, json(MAX_BODY)).await.status, 200);
    assert_eq!(change(ROUTE, json(MAX_BODY + 1)).await.problem(), problem("body-too-large", 413));
}

#[tokio::test]
async fn base64_body_is_decoded() {
    let mut event = patch().build();
    event["isBase64Encoded"] = json!(true);
    event["body"] = json!("eyJkZWx0YSI6NX0=");
    let delta = async |call: Call<Change>| Ok(Reply::ok(call.body.delta));
    assert_eq!(send(ROUTE, event.clone(), delta).await.body(), json!(5));
    event["body"] = json!("not base64");
    assert_eq!(send(ROUTE, event, delta).await.problem(), problem("malformed-body", 400));
}

#[tokio::test]
async fn route_without_a_body_ignores_one() {
    let event = patch().text("{").build();
    assert_eq!(send(ROUTE, event, async |_: Call<NoBody>| Ok(Reply::<()>::no_content())).await.status, 204);
}

#[tokio::test]
async fn raw_body_is_passed_as_bytes_and_a_form_as_members() {
    #[derive(Debug, Deserialize)]
    struct Grant {
        grant_type: String,
    }
    let raw = async |call: Call<RawBody>| Ok(Reply::ok(call.body.bytes));
    assert_eq!(send(ROUTE, patch().text(" {").build(), raw).await.body(), json!([32, 123]));
    let form =
        patch().text("grant_type=client%20credentials").header("content-type", "application/x-www-form-urlencoded");
    let read = async |call: Call<Form<Grant>>| Ok(Reply::ok(call.body.0.grant_type));
    assert_eq!(send(ROUTE, form.clone().build(), read).await.body(), json!("client credentials"));
    let extended = form.clone().text("grant_type=a&audience=b");
    assert_eq!(send(ROUTE, extended.build(), read).await.body(), json!("a"), "OAuth 2.0 ignores what it does not know");
    assert_eq!(send(ROUTE, form.clone().text("x=1").build(), read).await.problem(), problem("validation", 422));
    assert_eq!(
        send(ROUTE, form.text("grant_type=a&grant_type=b").build(), read).await.problem(),
        problem("validation", 422)
    );
}

#[tokio::test]
async fn idempotent_route_requires_a_key_of_visible_ascii() {
    let route = ROUTE.idempotent();
    assert_eq!(change(route, patch()).await.problem(), problem("idempotency-key-missing", 400));
    for bad in ["", "two words", "schlüssel", &"k".repeat(256)] {
        assert_eq!(change(route, patch().key(bad)).await.problem(), problem("idempotency-key-invalid", 400), "{bad}");
    }
    assert_eq!(change(route, patch().key(&"k".repeat(255))).await.status, 200);
}

#[tokio::test]
async fn key_is_scoped_to_principal_and_function_and_fingerprint_to_the_request() {
    let claim =
        |event: HttpEvent| event.key("k").call::<Change>(&ROUTE.idempotent(), &clock()).unwrap().idempotency.unwrap();
    let first = claim(patch().path_param("id", "7"));
    assert_eq!(first.scope, format!("{USER}:thing-do"));
    assert_eq!(first, claim(patch().path_param("id", "7").text("{ \"delta\" : -3 }")));
    assert_ne!(first.fingerprint, claim(patch().path_param("id", "8")).fingerprint);
    assert_ne!(first.fingerprint, claim(patch().path_param("id", "7").body(json!({ "delta": 4 }))).fingerprint);
    let public = Route::new("thing-do", Access::Public).idempotent();
    let anonymous =
        http_event("POST", "/things").body(json!({ "delta": 1 })).key("k").call::<Change>(&public, &clock());
    assert_eq!(anonymous.unwrap().idempotency.unwrap().scope, "public:thing-do");
}

#[tokio::test]
async fn route_that_honours_a_key_accepts_requests_without_one() {
    let route = ROUTE.honours_key();
    let key = |event: HttpEvent| event.call::<Change>(&route, &clock()).map(|call| call.idempotency.map(|key| key.key));
    assert_eq!(key(patch()), Ok(None));
    assert_eq!(key(patch().key("k")), Ok(Some("k".to_owned())));
    assert_eq!(change(route, patch().key("two words")).await.problem(), problem("idempotency-key-invalid", 400));
    assert_eq!(patch().key("k").call::<Change>(&ROUTE, &clock()).map(|call| call.idempotency), Ok(None));
}

#[tokio::test]
async fn malformed_path_parameter_is_404() {
    let id = async |call: Call<NoBody>| Ok(Reply::ok(call.path::<Uuid>("id")?));
    for bad in ["7", "%zz", "%C3"] {
        let event = http_event("GET", "/things/x").principal(USER, "admin").path_param("id", bad).build();
        assert_eq!(send(ROUTE, event, id).await.problem(), problem("not-found", 404), "{bad}");
    }
}

#[tokio::test]
async fn time_in_a_query_is_bounded_and_an_unescaped_plus_is_read() {
    let from = async |call: Call<NoBody>| Ok(Reply::ok(call.time("from")?));
    let ask = async |query: &str| {
        send(ROUTE, http_event("GET", &format!("/things?{query}")).principal(USER, "admin").build(), from).await
    };
    for same in ["2026-11-21T08:45:00+01:00", "2026-11-21T08:45:00%2B01:00", "2026-11-21T07:45:00Z"] {
        assert_eq!(ask(&format!("from={same}")).await.body(), json!("2026-11-21T07:45:00Z"), "{same}");
    }
    for bad in ["-009999-01-05T00:00:00Z", "%2B999999-01-01T00:00:00Z", "yesterday", "2026-11-21T08:45:00"] {
        let response = ask(&format!("from={bad}")).await;
        assert_eq!(response.problem(), problem("validation", 422), "{bad}");
        assert_eq!(response.body()["errors"][0]["pointer"], "?from");
    }
    assert_eq!(ask("").await.body(), json!(null));
}

#[tokio::test]
async fn malformed_query_parameter_is_422_naming_it() {
    let page = async |call: Call<NoBody>| call.page().map(|page| Reply::ok(page.limit));
    for (query, pointer) in
        [("limit=0", "?limit"), ("limit=101", "?limit"), ("limit=x", "?limit"), ("cursor=a&cursor=b", "?cursor")]
    {
        let event = http_event("GET", &format!("/things?{query}")).principal(USER, "admin").build();
        let response = send(ROUTE, event, page).await;
        assert_eq!(response.problem(), problem("validation", 422), "{query}");
        assert_eq!(response.body()["errors"][0]["pointer"], pointer);
    }
    let event = http_event("GET", "/things").principal(USER, "admin").build();
    assert_eq!(send(ROUTE, event, page).await.body(), json!(20));
}
