//! Rules of what goes out: problems, replays, headers.

use super::*;
use crate::telemetry::lines_of;
use kernel::{IdempotencyOutcome, StoredReply};
use std::cell::Cell;
use std::time::Duration;

#[tokio::test]
async fn a_failure_is_a_problem_document_without_internals() {
    let seen = send(ROUTE, patch().build(), async |_: Call<Change>| {
        Err::<Reply<()>, _>(Failure::unavailable("database", "connection refused at 10.0.0.7"))
    })
    .await;
    assert_eq!(seen.problem(), said("unavailable", 503));
    assert_eq!(seen.headers["retry-after"], "2");
    assert_eq!(seen.body()["instance"], "/things/7");
    assert_eq!(seen.body()["trace_id"].as_str().unwrap().len(), 32);
    assert!(seen.body().get("errors").is_none());
    assert!(!seen.text.contains("10.0.0.7"));
}

#[tokio::test]
async fn every_kind_of_failure_has_its_status() {
    for (kind, status) in [
        (FailureKind::Malformed, 400),
        (FailureKind::Unauthenticated, 401),
        (FailureKind::Forbidden, 403),
        (FailureKind::NotFound, 404),
        (FailureKind::Conflict, 409),
        (FailureKind::PreconditionFailed, 412),
        (FailureKind::PreconditionRequired, 428),
        (FailureKind::TooLarge, 413),
        (FailureKind::UnsupportedMedia, 415),
        (FailureKind::Invalid, 422),
        (FailureKind::Locked, 423),
        (FailureKind::RateLimited, 429),
        (FailureKind::Internal, 500),
        (FailureKind::Unavailable, 503),
    ] {
        let fails = async |_: Call<Change>| Err::<Reply<()>, _>(Failure::new(kind, "some-code", "So it is."));
        assert_eq!(send(ROUTE, patch().build(), fails).await.problem(), said("some-code", status));
    }
}

#[tokio::test]
async fn a_panic_answers_500_and_does_not_tell_why() {
    let seen =
        send(ROUTE, patch().build(), async |_: Call<Change>| -> Result<Reply<()>, Failure> { panic!("secret") }).await;
    assert_eq!(seen.problem(), said("internal", 500));
    assert!(!seen.text.contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_outlives_the_invocation_answers_503_before_the_gateway_would_answer_500() {
    let clock = clock().until(Timestamp::UNIX_EPOCH + Duration::from_secs(5));
    let stuck = async |_: Call<Change>| std::future::pending::<Result<Reply<()>, Failure>>().await;
    let response = respond(&ROUTE, patch().build(), &clock, &stuck).await;
    assert_eq!(response["statusCode"], 503);
}

#[tokio::test]
async fn a_refusal_carries_the_ids_that_a_caller_can_quote() {
    let id = "0198a3c0-0000-7000-8000-00000000beef";
    let seen = change(ROUTE, patch().header("X-Correlation-ID", id).text("{")).await;
    assert_eq!(seen.headers["x-correlation-id"], id);
    assert_eq!(seen.headers["cache-control"], "no-store");
    let seen = change(ROUTE, patch().header("x-correlation-id", "not an id")).await;
    assert!(seen.headers["x-correlation-id"].as_str().unwrap().parse::<Uuid>().is_ok(), "a new one is made");
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_byte_for_byte_and_is_told_so() {
    let kept = Cell::new(None);
    let handler = async |call: Call<Change>| {
        let (body, call) = call.into_parts();
        let reply = Reply::created(json!({ "id": call.ids.next(), "delta": body.delta }));
        let settled = match kept.take() {
            Some(first) => IdempotencyOutcome::Replayed(first),
            None => {
                kept.set(Some(reply.to_stored()?));
                IdempotencyOutcome::Committed
            }
        };
        Ok(reply.or_replay(settled))
    };
    let event = patch().build();
    // One clock for both, so that the second time another id is drawn.
    let clock = clock();
    let first = respond(&ROUTE, event.clone(), &clock, &handler).await;
    let again = respond(&ROUTE, event, &clock, &handler).await;
    assert_eq!(first["headers"].get("idempotent-replayed"), None);
    assert_eq!((&again["statusCode"], &again["body"]), (&first["statusCode"], &first["body"]));
    assert_eq!(again["headers"]["idempotent-replayed"], "true");
    assert_eq!(again["headers"]["content-type"], "application/json");
}

#[tokio::test]
async fn a_refusal_can_be_kept_as_the_first_answer_too() {
    let refusal = || Failure::new(FailureKind::Conflict, "insufficient-stock", "There are not enough.");
    let first = send(ROUTE, patch().build(), async |_: Call<Change>| Err::<Reply<()>, _>(refusal())).await;
    let again =
        send(ROUTE, patch().build(), async |call: Call<Change>| Ok(Reply::<()>::replay(call.problem(&refusal()))))
            .await;
    assert_eq!(again.problem(), said("insufficient-stock", 409));
    assert_eq!(again.text, first.text, "same clock, same trace: the document is the same");
}

#[tokio::test]
async fn an_answer_without_a_body_is_kept_without_one() {
    let kept = Reply::<()>::no_content().to_stored().unwrap();
    assert_eq!(kept, StoredReply { status: 204, headers: vec![], body: String::new() });
    let seen = send(ROUTE, patch().build(), async |_: Call<Change>| Ok(Reply::<()>::replay(kept.clone()))).await;
    assert_eq!((seen.status, seen.text.as_str()), (204, ""));
    assert!(seen.headers.get("content-type").is_none());
}

#[tokio::test]
async fn a_reply_may_say_how_it_is_cached_and_of_what_type_it_is() {
    let seen = send(ROUTE, patch().build(), async |_: Call<NoBody>| {
        Ok(Reply::<()>::text("text/html; charset=utf-8", "<p>")
            .cache_control("public, max-age=60")
            .header("x-extra", "1"))
    })
    .await;
    assert_eq!(seen.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(seen.headers["cache-control"], "public, max-age=60");
    assert_eq!((seen.headers["x-extra"].as_str(), seen.text.as_str()), (Some("1"), "<p>"));
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_a_defect_and_not_a_way_to_smuggle_headers() {
    let seen =
        send(ROUTE, patch().build(), async |_: Call<NoBody>| Ok(Reply::ok(()).location("/a\r\nset-cookie: x"))).await;
    assert_eq!(seen.problem(), said("internal", 500));
}

#[tokio::test]
async fn an_event_that_is_not_the_gateways_answers_400() {
    let seen = send(ROUTE, json!({ "Records": [] }), async |_: Call<NoBody>| Ok(Reply::ok(()))).await;
    assert_eq!(seen.problem(), said("malformed-request", 400));
}

#[test]
fn an_answer_is_told_once_in_the_log_and_an_error_counts_as_the_client_s_or_as_ours() {
    let lines = lines_of(|| {
        change(ROUTE, patch().text("{").header("content-type", "application/json"))
            .now_or_never()
            .expect("nothing waits");
    });
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "request answered").collect();
    assert_eq!(answered.iter().map(|line| &line["http.status"]).collect::<Vec<_>>(), [400]);
    assert_eq!([200, 204, 399].map(errors), [None; 3]);
    assert_eq!([400, 422, 499].map(errors), [Some("ClientErrors"); 3]);
    assert_eq!([500, 503, 599].map(errors), [Some("ServerErrors"); 3]);
}
