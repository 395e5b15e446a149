//! Consumers that operators pause and resume.

use super::{http::assert_responses, operators::audit, sample, sample_time};
use adapters::{Wiring, config::Config};
use edge::Clock;
use serde_json::{Value, json};
use testkit::{Dependency, FaultPoint, Occurrence, Platform};

const PAUSE: &str = r#"set /body/state = "paused"; set /body/reason = "The inventory is down.""#;
const RESUME: &str = "ok";

fn of(consumer: &catalog::Function, edits: &str) -> String {
    format!("set /pathParameters/name = \"{}\"; {edits}", consumer.name)
}

fn keyed(key: &str, edits: &str) -> String {
    format!("set /headers/idempotency-key = \"{key}\"; {edits}")
}

/// Status and body of the response to an edited sample. The ids of each `seed` are others.
async fn update(platform: &Platform, case: &str, seed: u64) -> (u64, Value) {
    let row = catalog::CONSUMER_STATE_UPDATE;
    let route = Wiring::new(row, Config::from_vars([])).route().expect("a route");
    let handler =
        async |call| consumer_state_update::handle(&platform.queues(), &platform.operator_actions(), call).await;
    let clock = Clock::at(sample_time(), seed);
    let response = edge::http::respond(&route, sample(row, case), &clock, &handler).await;
    let body = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    (response["statusCode"].as_u64().expect("a status"), body)
}

/// The state of a consumer in the list of queues.
async fn state(platform: &Platform, consumer: &catalog::Function) -> Value {
    let row = catalog::QUEUE_LIST;
    let route = Wiring::new(row, Config::from_vars([])).route().expect("a route");
    let handler = async |call| queue_list::handle(&platform.queues(), &platform.queues(), call).await;
    let response = edge::http::respond(&route, sample(row, "ok"), &Clock::at(sample_time(), 7), &handler).await;
    let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let listed = body["items"].as_array().into_iter().flatten().find(|one| one["name"] == consumer.name);
    listed.expect("the consumer is listed")["state"].clone()
}

#[tokio::test]
async fn consumer_is_paused_and_resumed_and_the_audit_says_who_and_why() {
    let (platform, consumer) = (Platform::new(), catalog::STOCK_RESERVE);
    assert_eq!(state(&platform, consumer).await, "running");
    let (status, paused) = update(&platform, PAUSE, 1).await;
    assert_eq!((status, &paused["state"], &paused["changed"]), (200, &json!("paused"), &json!(1)));
    assert_eq!(state(&platform, consumer).await, "paused");
    assert_eq!(state(&platform, catalog::PAYMENT_CHARGE).await, "running", "another one");
    let (_, resumed) = update(&platform, RESUME, 2).await;
    assert_eq!((&resumed["state"], &resumed["changed"]), (&json!("running"), &json!(1)));
    assert_eq!(state(&platform, consumer).await, "running");
    let audited = audit(&platform).await;
    let find = |action: &str| {
        audited.as_array().into_iter().flatten().find(|one| one["action"] == action).expect("it is recorded")
    };
    let pause = find("pause");
    assert_eq!((&pause["id"], &pause["target"]), (&paused["action_id"], &json!("stock-reserve")));
    assert_eq!(pause["reason"], "The inventory is down.");
    assert_eq!(pause["operator_id"], "0192f0c1-0000-7000-8000-000000000002");
    assert_eq!(pause["outcome"], json!({ "matched": 1, "paused": 1 }));
    assert_eq!(find("resume")["outcome"], json!({ "matched": 1, "resumed": 1 }));
}

#[tokio::test]
async fn consumer_that_has_the_state_already_is_left_alone_and_the_response_says_so() {
    let platform = Platform::new();
    let (status, kept) = update(&platform, RESUME, 1).await;
    assert_eq!((status, &kept["state"], &kept["changed"]), (200, &json!("running"), &json!(0)));
    assert_eq!(audit(&platform).await[0]["outcome"], json!({ "matched": 1, "resumed": 0 }));
}

#[tokio::test]
async fn all_mappings_of_a_consumer_of_topics_are_changed() {
    let (platform, consumer) = (Platform::new(), catalog::EVENT_ARCHIVE);
    let (_, paused) = update(&platform, &of(consumer, PAUSE), 1).await;
    assert_eq!((&paused["state"], &paused["changed"]), (&json!("paused"), &json!(catalog::KAFKA_TOPICS.len())));
    assert_eq!(state(&platform, consumer).await, "paused");
}

#[tokio::test]
async fn change_that_failed_half_way_goes_on_under_its_key() {
    let (platform, consumer) = (Platform::new(), catalog::EVENT_ARCHIVE);
    let pause = keyed("k-1", &of(consumer, PAUSE));
    // After the first mapping.
    platform.faults().fail(Dependency::Mappings, Occurrence::Nth(3), FaultPoint::Before);
    assert_eq!(update(&platform, &pause, 1).await.0, 503);
    assert_eq!(state(&platform, consumer).await, "changing");
    let (status, done) = update(&platform, &pause, 2).await;
    let topics = catalog::KAFKA_TOPICS.len();
    assert_eq!((status, &done["state"], &done["changed"]), (200, &json!("paused"), &json!(topics - 1)));
    let audited = audit(&platform).await;
    let outcomes: Vec<&Value> = audited.as_array().into_iter().flatten().map(|one| &one["outcome"]).collect();
    assert!(outcomes.contains(&&json!({ "matched": topics, "paused": 1 })), "{audited}");
}

#[tokio::test]
async fn pause_under_a_repeated_key_does_not_pause_again_what_was_resumed() {
    let platform = Platform::new();
    let pause = keyed("k-1", PAUSE);
    let (_, first) = update(&platform, &pause, 1).await;
    update(&platform, RESUME, 2).await;
    assert_eq!(update(&platform, &pause, 3).await, (200, first));
    assert_eq!(state(&platform, catalog::STOCK_RESERVE).await, "running");
    let (status, reused) = update(&platform, &keyed("k-1", RESUME_AGAIN), 4).await;
    assert_eq!((status, &reused["type"]), (422, &json!("/problems/idempotency-key-reused")));
}

/// Another body than that of [`PAUSE`].
const RESUME_AGAIN: &str = r#"set /body/reason = "The inventory is back again.""#;

#[tokio::test]
async fn consumer_is_not_changed_while_lambda_changes_it() {
    let (platform, consumer) = (Platform::new(), catalog::STOCK_RESERVE);
    platform.queues().set_busy(consumer, true);
    let pause = keyed("k-1", PAUSE);
    let (status, refused) = update(&platform, &pause, 1).await;
    assert_eq!((status, &refused["type"]), (409, &json!("/problems/consumer-changing")));
    assert_eq!(state(&platform, consumer).await, "changing");
    assert_eq!(audit(&platform).await[0]["outcome"], json!({ "matched": 1, "paused": 0 }));
    platform.queues().set_busy(consumer, false);
    assert_eq!(update(&platform, &pause, 2).await.1["changed"], 1, "a failure leaves the key free");
}

#[tokio::test]
async fn consumer_is_not_paused_without_its_audit() {
    let platform = Platform::new();
    platform.faults().take_down(Dependency::Database);
    assert_eq!(update(&platform, PAUSE, 1).await.0, 503);
    platform.faults().restore_all();
    assert_eq!(state(&platform, catalog::STOCK_RESERVE).await, "running");
}

#[tokio::test]
async fn consumer_state_update_is_for_admins_and_names_what_is_wrong() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("bad_no_reason", 422, "validation", "/reason"),
        ("bad_state", 422, "validation", "/state"),
        (r#"set /requestContext/authorizer/lambda/role = "staff""#, 403, "forbidden", ""),
        (r#"set /pathParameters/name = "no-such""#, 404, "not-found", ""),
        (r#"set /pathParameters/name = "image-resize""#, 409, "consumer-not-pausable", ""),
        (r#"set /pathParameters/name = "order-get""#, 409, "consumer-not-pausable", ""),
    ];
    let platform = Platform::new();
    assert_responses(catalog::CONSUMER_STATE_UPDATE, &expected, async |_, call| {
        consumer_state_update::handle(&platform.queues(), &platform.operator_actions(), call).await
    })
    .await;
}
