//! Dead letters as operators see them: in the timeline, by their reason, with what their consumer would do; and how they are discarded.

use super::{
    clock,
    http::assert_responses,
    operators::{A, B, audit, dead_letter, handle_redrive, platform_with, redrive, redrive_response},
    sample, sample_time,
};
use adapters::{Wiring, config::Config};
use adapters_sqs::RecordedDeadLetters;
use domain::{DomainEvent, queue::DeadMessage};
use edge::{Consumer, Delivery};
use kernel::{Claim, Failure, Uuid};
use ports::{DeliveryStatuses as _, HandledEvents};
use serde_json::{Value, json};
use std::{collections::BTreeMap, future::pending, time::Duration};
use testkit::{Dependency, Platform};

const CONSUMER: &catalog::Function = catalog::STOCK_RESERVE;

/// Id of the event in [`dead_letter`].
fn event_id() -> Uuid {
    edge::event_in::<DomainEvent>(&dead_letter(A).body).expect("an event").id
}

/// Delivers the sample message to a handler that fails permanently, and returns how many dead letters there are then.
async fn fail(platform: &Platform, handled_events: &impl HandledEvents, case: &str) -> usize {
    fail_after(Duration::ZERO, platform, handled_events, case).await
}

/// The handler takes this long, of three seconds.
async fn fail_after(time: Duration, platform: &Platform, handled_events: &impl HandledEvents, case: &str) -> usize {
    let clock = clock().until(sample_time() + Duration::from_secs(3));
    let queue = RecordedDeadLetters { queue: platform.dead_letters(), handled_events, consumer: CONSUMER.name };
    let handler = async |delivery: Delivery<DomainEvent>| {
        clock.advance(time);
        handled_events.attempt(delivery.claim(), async { Err(Failure::not_found("product")) }).await
    };
    let consumer = Consumer::new(CONSUMER.name, catalog::MAX_RECEIVES);
    let response = edge::queue::batch(&consumer, sample(CONSUMER, case), &clock, &queue, &handler).await;
    assert_eq!(response.expect("a batch"), json!({ "batchItemFailures": [] }));
    platform.dead_letters().messages().len()
}

#[tokio::test]
async fn message_that_becomes_a_dead_letter_is_recorded_as_one() {
    let platform = Platform::new();
    assert_eq!(fail(&platform, &platform.handled_events(), "ok").await, 1);
    let known = platform.event_records().of_consumer(CONSUMER.name, &[event_id()]).await.expect("statuses");
    let status = &known[&event_id()];
    assert_eq!((status.failed_attempts, status.last_failure.as_deref()), (1, Some("not-found")));
    assert!(status.dead_lettered_at.is_some(), "{status:?}");
}

/// An inbox that does not respond, or refuses everything.
struct Broken {
    responds: bool,
}

impl HandledEvents for Broken {
    async fn record(&self, _: Claim) -> Result<(), Failure> {
        Ok(())
    }

    async fn record_failure(&self, _: Claim, _: &'static str) -> Result<(), Failure> {
        Ok(())
    }

    async fn record_dead_letter(&self, _: Claim, _: &str) -> Result<(), Failure> {
        if self.responds { Err(Failure::unavailable("database", "down")) } else { pending().await }
    }
}

#[tokio::test(start_paused = true)]
async fn dead_letter_that_cannot_be_recorded_is_one_all_the_same() {
    for responds in [true, false] {
        assert_eq!(fail(&Platform::new(), &Broken { responds }, "ok").await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn dead_letter_is_not_delivered_again_because_the_record_of_it_took_too_long() {
    let time = Duration::from_millis(2_600);
    assert_eq!(fail_after(time, &Platform::new(), &Broken { responds: false }, "ok").await, 1);
}

async fn list(platform: &Platform, query: &str) -> Value {
    let route = Wiring::new(catalog::DEAD_LETTER_LIST, Config::from_vars([])).route().expect("a route");
    let handler = async |call| dead_letter_list::handle(&platform.queues(), &platform.event_records(), call).await;
    let event = sample(catalog::DEAD_LETTER_LIST, &format!("set /rawQueryString = {query:?}"));
    let response = edge::http::respond(&route, event, &clock(), &handler).await;
    assert_eq!(response["statusCode"], 200, "{response}");
    serde_json::from_str::<Value>(response["body"].as_str().expect("a body")).expect("JSON")["items"].take()
}

/// One that SQS moved says no reason.
fn moved_by_sqs(id: &str) -> DeadMessage {
    DeadMessage { notes: BTreeMap::new(), ..dead_letter(id) }
}

#[tokio::test]
async fn dead_letters_are_listed_and_redriven_by_their_reason() {
    let platform = platform_with(&[A]);
    platform.queues().put(CONSUMER.name, moved_by_sqs(B));
    for (reason, id) in [("not-found", A), ("moved-by-sqs", B)] {
        let listed = list(&platform, &format!("queue=stock-reserve&reason={reason}")).await;
        let ids: Vec<&str> = listed.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str()).collect();
        assert_eq!(ids, [id], "{reason}");
    }
    assert_eq!(list(&platform, "queue=stock-reserve&reason=unavailable").await, json!([]));
    let one = list(&platform, "queue=stock-reserve&reason=moved-by-sqs&limit=1").await;
    assert_eq!(one[0]["id"], B, "the limit is of those with the reason");
    let done = redrive(&platform, r#"set /body/reason_code = "moved-by-sqs""#).await;
    assert_eq!((&done["redriven"], &done["message_ids"]), (&json!(1), &json!([B])));
    assert_eq!(audit(&platform).await[0]["request"]["reason_code"], "moved-by-sqs");
    assert_eq!(list(&platform, "queue=stock-reserve").await[0]["id"], A);
}

#[tokio::test]
async fn dead_letter_says_what_its_consumer_would_do_with_it() {
    let platform = platform_with(&[A]);
    let unreadable = DeadMessage { body: "Ada Lovelace, 1 Pier".to_owned(), ..dead_letter(B) };
    platform.queues().put(CONSUMER.name, unreadable);
    let claim = Claim { consumer: CONSUMER.name, event_id: event_id() };
    platform.handled_events().record_failure(claim, "unavailable").await.expect("counted");
    let dry = "set /body/dry_run = true";
    let forecasts = async || {
        let listed = list(&platform, "queue=stock-reserve").await;
        let shown = redrive(&platform, dry).await;
        for (n, id) in [A, B].into_iter().enumerate() {
            assert_eq!((&listed[n]["id"], &shown["forecasts"][n]["message_id"]), (&json!(id), &json!(id)));
            assert_eq!(listed[n]["forecast"], shown["forecasts"][n]["forecast"], "a dry run says the same");
        }
        [0, 1].map(|n| listed[n]["forecast"].clone())
    };
    let [open, returned] = forecasts().await;
    assert_eq!((&open["outcome"], &open["failed_attempts"]), (&json!("would_retry"), &json!(1)));
    assert_eq!((&open["last_failure"], &open["handled_at"]), (&json!("unavailable"), &Value::Null));
    assert_eq!(returned["outcome"], "would_return");
    assert!(!returned.to_string().contains("Ada"), "{returned}");
    platform.handled_events().assume(claim);
    let [handled, _] = forecasts().await;
    assert_eq!((&handled["outcome"], handled["handled_at"].is_string()), (&json!("already_handled"), true));
    platform.faults().take_down(Dependency::Database);
    let [unknown, _] = forecasts().await;
    assert_eq!(unknown["outcome"], "unknown", "dead letters are listed in an outage of the database, too");
    platform.faults().restore_all();
    assert_eq!(redrive(&platform, "ok").await["forecasts"], json!([]), "it did it");
}

#[tokio::test]
async fn forecast_is_of_the_event_as_the_patch_edits_it() {
    let platform = platform_with(&[]);
    let mut body: Value = serde_json::from_str(&dead_letter(A).body).expect("JSON");
    body["detail"]["data"]["lines"][0]["quantity"] = json!("2");
    platform.queues().put(CONSUMER.name, DeadMessage { body: body.to_string(), ..dead_letter(A) });
    assert_eq!(list(&platform, "queue=stock-reserve").await[0]["forecast"]["outcome"], "would_return");
    let patch = json!([{ "op": "replace", "path": "/data/lines/0/quantity", "value": 2 }]);
    let dry = redrive(&platform, &format!("set /body/patch = {patch}; set /body/dry_run = true")).await;
    assert_eq!(dry["forecasts"][0]["forecast"]["outcome"], "would_retry");
}

/// A discard of these messages.
fn discard(ids: &[&str]) -> String {
    format!(r#"set /body/action = "discard"; remove /body/per_second; set /body/message_ids = {}"#, json!(ids))
}

#[tokio::test]
async fn discarded_message_is_gone_and_the_audit_keeps_its_event_without_personal_data() {
    let platform = platform_with(&[A]);
    platform.queues().put(CONSUMER.name, DeadMessage { body: "Ada Lovelace".to_owned(), ..dead_letter(B) });
    let dry = redrive(&platform, &format!("{}; set /body/dry_run = true", discard(&[A]))).await;
    assert_eq!((&dry["discarded"], &dry["forecasts"][0]["message_id"]), (&json!(0), &json!(A)));
    let done = redrive(&platform, &discard(&[A, B])).await;
    assert_eq!((&done["discarded"], &done["redriven"]), (&json!(2), &json!(0)));
    assert!(platform.queues().sent().is_empty());
    assert_eq!(list(&platform, "queue=stock-reserve").await, json!([]));
    let entry = &audit(&platform).await[0];
    assert_eq!((&entry["action"], &entry["reason"]), (&json!("discard"), &json!("The inventory is back.")));
    let outcome = &entry["outcome"];
    assert_eq!((&outcome["matched"], &outcome["discarded"]), (&json!(2), &json!(2)));
    let messages = entry["request"]["messages"].as_array().expect("messages");
    let [first, second] = &messages[..] else { panic!("{entry}") };
    assert_eq!((&first["message_id"], &first["reason"]), (&json!(A), &json!("not-found")));
    assert_eq!((&first["event"]["id"], &first["event"]["type"]), (&json!(event_id()), &json!("OrderPlaced.v1")));
    assert_eq!((&second["message_id"], &second["event"]), (&json!(B), &Value::Null));
    assert!(!entry.to_string().contains("Ada") && !entry.to_string().contains("Harbour"), "{entry}");
}

#[tokio::test]
async fn discard_that_failed_half_way_has_in_the_audit_what_it_deleted() {
    let platform = platform_with(&[A, B]);
    // After a receive, a release of none, and the first message.
    platform.faults().fail(Dependency::DeadLetters, testkit::Occurrence::Nth(4), testkit::FaultPoint::Before);
    assert_eq!(redrive_response(&platform, &discard(&[A, B])).await["statusCode"], 503);
    let entry = audit(&platform).await[0].take();
    let messages = entry["request"]["messages"].as_array().map(Vec::len);
    assert_eq!((&entry["outcome"]["discarded"], messages), (&json!(1), Some(2)), "{entry}");
    assert_eq!(list(&platform, "queue=stock-reserve").await[0]["id"], B);
}

#[tokio::test]
async fn discard_is_for_every_dead_letter_queue_and_names_its_messages() {
    let all = r#"set /body/action = "discard"; remove /body/per_second"#;
    let of_stream = r#"set /pathParameters/name = "window-aggregate"; set /body/action = "discard"; remove /body/per_second; set /body/reason_code = "unreadable""#;
    let of_topic = r#"set /pathParameters/name = "event-record"; set /body/action = "discard"; remove /body/per_second; set /body/reason_code = "unreadable""#;
    let delivered = r#"set /body/action = "discard"; set /body/per_second = 1; set /body/reason_code = "unreadable""#;
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("bad_no_reason", 422, "validation", "/reason"),
        (of_stream, 200, "", ""),
        (of_topic, 200, "", ""),
        (all, 422, "validation", "/message_ids"),
        (delivered, 422, "validation", "/per_second"),
        (r#"set /body/action = "delete""#, 422, "validation", "/action"),
        (r#"set /body/reason_code = "Not Found""#, 422, "validation", "/reason_code"),
    ];
    let platform = platform_with(&[]);
    assert_responses(catalog::QUEUE_REDRIVE, &expected, async |_, call| handle_redrive(&platform, call).await).await;
    let listing = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /rawQueryString = "queue=stock-reserve&reason=Not%20Found""#, 422, "validation", "?reason"),
    ];
    assert_responses(catalog::DEAD_LETTER_LIST, &listing, async |_, call| {
        dead_letter_list::handle(&platform.queues(), &platform.event_records(), call).await
    })
    .await;
}
