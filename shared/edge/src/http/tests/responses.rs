//! Responses: problem documents, replays, headers.

use super::*;
use crate::telemetry::lines_of;
use kernel::{IdempotencyOutcome, StoredReply};
use std::cell::Cell;
use std::time::Duration;

#[tokio::test]
async fn failure_is_a_problem_document_without_internals() {
    let response = send(ROUTE, patch().build(), async |_: Call<Change>| {
        Err::<Reply<()>, _>(Failure::unavailable("database", "connection refused at 10.0.0.7"))
    })
    .await;
    assert_eq!(response.problem(), problem("unavailable", 503));
    assert_eq!(response.headers["retry-after"], "2");
    assert_eq!(response.body()["instance"], "/things/7");
    assert_eq!(response.body()["trace_id"].as_str().unwrap().len(), 32);
    assert!(response.body().get("errors").is_none());
    assert!(!response.text.contains("10.0.0.7"));
}

#[tokio::test]
async fn internal_errors_have_one_problem_type() {
    let response = send(ROUTE, patch().build(), async |_: Call<Change>| {
        Err::<Reply<()>, _>(Failure { code: "row-malformed", ..Failure::internal("the row is malformed") })
    })
    .await;
    assert_eq!(response.problem(), problem("internal", 500));
}

#[tokio::test]
async fn every_failure_kind_has_its_status() {
    for (kind, status) in [
        (FailureKind::Malformed, 400),
        (FailureKind::Unauthenticated, 401),
        (FailureKind::Forbidden, 403),
        (FailureKind::NotFound, 404),
        (FailureKind::MethodNotAllowed, 405),
        (FailureKind::Conflict, 409),
        (FailureKind::PreconditionFailed, 412),
        (FailureKind::PreconditionRequired, 428),
        (FailureKind::TooLarge, 413),
        (FailureKind::UnsupportedMedia, 415),
        (FailureKind::Invalid, 422),
        (FailureKind::RateLimited, 429),
        (FailureKind::Internal, 500),
        (FailureKind::Unavailable, 503),
    ] {
        let fails = async |_: Call<Change>| Err::<Reply<()>, _>(Failure::new(kind, "some-code", "A detail."));
        let code = if kind == FailureKind::Internal { "internal" } else { "some-code" };
        assert_eq!(send(ROUTE, patch().build(), fails).await.problem(), problem(code, status));
    }
}

#[tokio::test]
async fn panic_is_500_without_its_message() {
    let response =
        send(ROUTE, patch().build(), async |_: Call<Change>| -> Result<Reply<()>, Failure> { panic!("secret") }).await;
    assert_eq!(response.problem(), problem("internal", 500));
    assert!(!response.text.contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn handler_that_exceeds_its_time_is_503() {
    let clock = clock().until(Timestamp::UNIX_EPOCH + Duration::from_secs(5));
    let stuck = async |_: Call<Change>| std::future::pending::<Result<Reply<()>, Failure>>().await;
    let response = respond(&ROUTE, patch().build(), &clock, &stuck).await;
    assert_eq!(response["statusCode"], 503);
}

#[tokio::test]
async fn error_response_carries_correlation_and_request_id() {
    let id = "0198a3c0-0000-7000-8000-00000000beef";
    let response = change(ROUTE, patch().header("X-Correlation-ID", id).text("{")).await;
    assert_eq!(response.headers["x-correlation-id"], id);
    assert_eq!(response.headers["cache-control"], "no-store");
    let response = change(ROUTE, patch().header("x-correlation-id", "not an id")).await;
    assert!(response.headers["x-correlation-id"].as_str().unwrap().parse::<Uuid>().is_ok(), "a new one is generated");
}

#[tokio::test]
async fn repeated_request_replays_the_first_response_and_is_marked() {
    let stored = Cell::new(None);
    let handler = async |call: Call<Change>| {
        let (body, call) = call.into_parts();
        let reply = Reply::created(json!({ "id": call.ids.next(), "delta": body.delta }));
        let outcome = match stored.take() {
            Some(first) => IdempotencyOutcome::Replayed(first),
            None => {
                stored.set(Some(reply.to_stored()?));
                IdempotencyOutcome::Committed
            }
        };
        Ok(reply.or_replay(outcome))
    };
    let event = patch().build();
    // One clock for both requests, so that the second one would generate another id.
    let clock = clock();
    let first = respond(&ROUTE, event.clone(), &clock, &handler).await;
    let again = respond(&ROUTE, event, &clock, &handler).await;
    assert_eq!(first["headers"].get("idempotent-replayed"), None);
    assert_eq!((&again["statusCode"], &again["body"]), (&first["statusCode"], &first["body"]));
    assert_eq!(again["headers"]["idempotent-replayed"], "true");
    assert_eq!(again["headers"]["content-type"], "application/json");
}

#[tokio::test]
async fn rejection_can_be_stored_and_replayed() {
    let rejection = || Failure::new(FailureKind::Conflict, "insufficient-stock", "Not enough stock.");
    let first = send(ROUTE, patch().build(), async |_: Call<Change>| Err::<Reply<()>, _>(rejection())).await;
    let again =
        send(ROUTE, patch().build(), async |call: Call<Change>| Ok(Reply::<()>::replay(call.problem(&rejection()))))
            .await;
    assert_eq!(again.problem(), problem("insufficient-stock", 409));
    assert_eq!(again.text, first.text, "same clock and trace, so the same document");
}

#[tokio::test]
async fn response_without_a_body_is_stored_without_one() {
    let stored = Reply::<()>::no_content().to_stored().unwrap();
    assert_eq!(stored, StoredReply { status: 204, headers: vec![], body: String::new() });
    let response = send(ROUTE, patch().build(), async |_: Call<Change>| Ok(Reply::<()>::replay(stored.clone()))).await;
    assert_eq!((response.status, response.text.as_str()), (204, ""));
    assert!(response.headers.get("content-type").is_none());
}

#[tokio::test]
async fn reply_sets_cache_control_and_further_headers() {
    let response = send(ROUTE, patch().build(), async |_: Call<NoBody>| {
        Ok(Reply::ok(7).cache_control("public, max-age=60").header("x-extra", "1"))
    })
    .await;
    assert_eq!(response.headers["content-type"], "application/json");
    assert_eq!(response.headers["cache-control"], "public, max-age=60");
    assert_eq!((response.headers["x-extra"].as_str(), response.text.as_str()), (Some("1"), "7"));
}

#[tokio::test]
async fn invalid_header_value_is_500_and_injects_no_header() {
    let response =
        send(ROUTE, patch().build(), async |_: Call<NoBody>| Ok(Reply::ok(()).location("/a\r\nset-cookie: x"))).await;
    assert_eq!(response.problem(), problem("internal", 500));
}

#[tokio::test]
async fn event_of_another_source_is_400() {
    let response = send(ROUTE, json!({ "Records": [] }), async |_: Call<NoBody>| Ok(Reply::ok(()))).await;
    assert_eq!(response.problem(), problem("malformed-request", 400));
}

#[test]
fn response_is_logged_once_and_errors_count_by_status_class() {
    let lines = lines_of(|| {
        change(ROUTE, patch().text("{").header("content-type", "application/json"))
            .now_or_never()
            .expect("nothing waits");
    });
    let completed: Vec<_> = lines.iter().filter(|line| line["message"] == "request completed").collect();
    assert_eq!(completed.iter().map(|line| &line["http.status"]).collect::<Vec<_>>(), [400]);
    assert_eq!([200, 204, 399].map(error_metric), [None; 3]);
    assert_eq!([400, 422, 499].map(error_metric), [Some("ClientErrors"); 3]);
    assert_eq!([500, 503, 599].map(error_metric), [Some("ServerErrors"); 3]);
}

/// GET with this `If-None-Match`, to a handler that returns `reply`.
async fn get(if_none_match: Option<&str>, reply: impl Fn() -> Reply<Value>) -> Response {
    let event = http_event("GET", "/things/7").principal(USER, "customer");
    let event = if_none_match.into_iter().fold(event, |event, tag| event.header("if-none-match", tag));
    send(ROUTE, event.build(), async |_: Call<NoBody>| Ok(reply())).await
}

#[tokio::test]
async fn representation_that_the_client_has_is_304_without_a_body() {
    let reply = || Reply::ok(json!({ "id": 7 })).etag("3-8");
    for same in ["\"3-8\"", "*", "W/\"3-8\"", "\"1\", \"3-8\""] {
        let response = get(Some(same), reply).await;
        assert_eq!((response.status, response.text.as_str()), (304, ""), "{same}");
        assert_eq!(response.headers["etag"], "\"3-8\"");
        assert!(response.headers.get("content-type").is_none());
    }
    for other in [Some("\"3-9\""), Some("3-8"), None] {
        assert_eq!(get(other, reply).await.status, 200, "{other:?}");
    }
}

#[tokio::test]
async fn response_to_get_without_a_version_has_an_etag_of_its_body() {
    let (one, two) = (|| Reply::ok(json!({ "n": 1 })), || Reply::ok(json!({ "n": 2 })));
    let tag = get(None, one).await.headers["etag"].as_str().unwrap().to_owned();
    assert_eq!(get(Some(&tag), one).await.status, 304);
    assert_eq!(get(Some(&tag), two).await.status, 200);
    let patched = send(ROUTE, patch().build(), async |_: Call<Change>| Ok(Reply::ok(json!({ "n": 1 })))).await;
    assert!(patched.headers.get("etag").is_none(), "only GET");
}

#[tokio::test]
async fn failure_is_never_304() {
    let event = http_event("GET", "/things/7").principal(USER, "customer").header("if-none-match", "*").build();
    let gone = async |_: Call<NoBody>| Err::<Reply<()>, _>(Failure::not_found("thing"));
    assert_eq!(send(ROUTE, event, gone).await.problem(), problem("not-found", 404));
}

#[tokio::test]
async fn refusal_is_a_problem_with_further_headers() {
    let failure = Failure::new(FailureKind::MethodNotAllowed, "method-not-allowed", "Use GET.");
    let response =
        send(ROUTE, patch().build(), async |call: Call<NoBody>| Ok(call.refuse::<()>(&failure, &[("allow", "GET")])))
            .await;
    assert_eq!(response.problem(), problem("method-not-allowed", 405));
    assert_eq!(response.headers["allow"], "GET");
    assert!(response.headers.get("idempotent-replayed").is_none());
}

#[tokio::test]
async fn document_has_the_etag_of_its_text_in_every_response() {
    static PAGE: Document = Document::new("text/plain", "Hello");
    const PUBLIC: Route = Route::new("page-get", Access::Public);
    let get = async |tag: &str| {
        let event = http_event("GET", "/page").header("if-none-match", tag).build();
        send(PUBLIC, event, async |_: Call<NoBody>| Ok(PAGE.reply::<()>())).await
    };
    let first = get("\"other\"").await;
    assert_eq!(
        (first.status, first.text.as_str(), &first.headers["content-type"]),
        (200, "Hello", &json!("text/plain"))
    );
    let tag = first.headers["etag"].as_str().unwrap().to_owned();
    let plain = http_event("GET", "/page").build();
    let plain = send(PUBLIC, plain, async |_: Call<NoBody>| Ok(Reply::<()>::text("text/plain", "Hello"))).await;
    assert_eq!(plain.headers["etag"], tag, "as any other text");
    assert_eq!((get(&tag).await.status, get(&tag).await.text.as_str()), (304, ""));
}
