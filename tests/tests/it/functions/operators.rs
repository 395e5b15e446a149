//! What operators see of stuck orders and of queues, and what they do about dead letters.

use super::{ORDER, clock, http::assert_responses, placed, sample, sample_time, seeded_platform};
use adapters::{Wiring, config::Config};
use api::RedriveView;
use domain::{queue::DeadMessage, redrive::Redrive};
use edge::{
    Clock,
    http::{Call, Reply},
};
use kernel::Failure;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use testkit::{Dependency, FaultPoint, Occurrence, Platform, build};

const STAFF: &str = r#"set /requestContext/authorizer/lambda/role = "staff""#;

/// The body of the response of one of the functions to an edited sample.
macro_rules! body {
    ($row:ident, $case:expr, $handler:expr) => {{
        let route = Wiring::new(catalog::$row, Config::from_vars([])).route().expect("a route");
        let response = edge::http::respond(&route, sample(catalog::$row, $case), &clock(), &$handler).await;
        let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
        assert_eq!(response["statusCode"], 200, "{body}");
        body
    }};
}

#[tokio::test]
async fn order_stuck_list_names_the_next_step_of_old_pending_orders() {
    let platform = seeded_platform();
    platform.orders().put(&placed());
    let handler = async |call| order_stuck_list::handle(&platform.orders(), call).await;
    let old = body!(ORDER_STUCK_LIST, r#"set /rawQueryString = "minutes=0""#, handler);
    assert_eq!(old["items"], json!([]), "placed in the same second");
    let mut order = placed();
    order.created_at = kernel::Timestamp::from_second(sample_time().as_second() - 600).expect("a time");
    platform.orders().put(&order);
    let listed = body!(ORDER_STUCK_LIST, "ok", handler);
    let [stuck] = &listed["items"].as_array().expect("a list")[..] else { panic!("{listed}") };
    assert_eq!((&stuck["id"], &stuck["next_step"]), (&json!(ORDER), &json!("reserve_stock")));
    assert_eq!(stuck["functions"][0], catalog::STOCK_RESERVE.name);
    assert_eq!(stuck["cancellation_reason"], "timed_out");
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (STAFF, 403, "forbidden", ""),
        (r#"set /rawQueryString = "minutes=x""#, 422, "validation", "?minutes"),
        (r#"set /rawQueryString = "minutes=4294967295""#, 422, "validation", "?minutes"),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    assert_responses(catalog::ORDER_STUCK_LIST, &expected, async |_, call| handler(call).await).await;
}

/// Ids of messages.
pub(crate) const A: &str = "0192f0c1-0000-7000-8000-00000000aa0a";
pub(super) const B: &str = "0192f0c1-0000-7000-8000-00000000aa0b";
const C: &str = "0192f0c1-0000-7000-8000-00000000aa0c";

/// A dead letter of `stock-reserve` with an event of the sample order.
pub(crate) fn dead_letter(id: &str) -> DeadMessage {
    let event = &sample(catalog::STOCK_RESERVE, "ok")["Records"][0]["body"];
    DeadMessage {
        id: id.to_owned(),
        receipt_handle: format!("receipt-{id}"),
        body: event.as_str().expect("a body").to_owned(),
        dead_since: sample_time(),
        notes: BTreeMap::from([("reason".to_owned(), "not-found".to_owned())]),
        attributes: BTreeMap::new(),
    }
}

pub(super) fn platform_with(ids: &[&str]) -> Platform {
    let platform = Platform::new();
    ids.iter().for_each(|id| platform.queues().put(catalog::STOCK_RESERVE.name, dead_letter(id)));
    platform
}

#[tokio::test]
async fn queue_list_begins_with_what_has_dead_letters() {
    let platform = platform_with(&[A, B]);
    let handler = async |call| queue_list::handle(&platform.queues(), &platform.queues(), call).await;
    let listed = body!(QUEUE_LIST, "ok", handler);
    let first = &listed["items"][0];
    assert_eq!((&first["name"], &first["dead_letters"]), (&json!("stock-reserve"), &json!(2)));
    let names: Vec<&str> =
        listed["items"].as_array().into_iter().flatten().filter_map(|item| item["name"].as_str()).collect();
    let consumers = catalog::FUNCTIONS.iter().filter(|function| function.has_dead_letter_queue());
    assert_eq!(names.len(), consumers.count());
    let expected =
        [("ok", 200, "", ""), ("bad_no_principal", 401, "unauthenticated", ""), (STAFF, 403, "forbidden", "")];
    assert_responses(catalog::QUEUE_LIST, &expected, async |_, call| handler(call).await).await;
}

#[tokio::test]
async fn dead_letter_list_shows_reason_and_event_without_personal_data() {
    let platform = platform_with(&[A]);
    let unreadable = DeadMessage { body: "Ada Lovelace, 1 Pier".to_owned(), ..dead_letter(B) };
    platform.queues().put(catalog::STOCK_RESERVE.name, unreadable);
    let handler = async |call| dead_letter_list::handle(&platform.queues(), &platform.event_records(), call).await;
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (STAFF, 403, "forbidden", ""),
        (r#"set /rawQueryString = """#, 422, "validation", "?queue"),
        (r#"set /rawQueryString = "queue=order-get""#, 422, "validation", "?queue"),
        (r#"set /rawQueryString = "queue=stock-reserve&limit=0""#, 422, "validation", "?limit"),
    ];
    assert_responses(catalog::DEAD_LETTER_LIST, &expected, async |_, call| handler(call).await).await;
    let listed = body!(DEAD_LETTER_LIST, "ok", handler);
    let [first, second] = &listed["items"].as_array().expect("what was listed is there again")[..] else {
        panic!("{listed}")
    };
    assert_eq!((&first["id"], &first["reason"]), (&json!(A), &json!("not-found")));
    assert_eq!((&first["event"]["type"], &first["event"]["order_id"]), (&json!("OrderPlaced.v1"), &json!(ORDER)));
    assert_eq!((&second["event"], &second["editable"]), (&Value::Null, &json!([])));
    let members =
        ["city", "country", "line1", "postal_code", "region"].map(|name| format!("/data/shipping_address/{name}"));
    let names = members.iter().map(String::as_str).chain(["/data/lines/0/product_name"]);
    let editable: BTreeSet<&str> =
        first["editable"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(editable, names.collect::<BTreeSet<_>>(), "the names of hidden members, and not their values");
    assert_eq!(first["event"]["data"]["shipping_address"], Value::Null);
    let text = listed.to_string();
    assert!(!text.contains("Ada") && !text.contains("Harbour") && !text.contains("Oakland"), "{text}");
}

pub(super) async fn handle_redrive(platform: &Platform, call: Call<Redrive>) -> Result<Reply<RedriveView>, Failure> {
    let (queues, log, statuses) = (platform.queues(), platform.event_log(), platform.event_records());
    queue_redrive::handle(&queues, &log, &platform.operator_actions(), &statuses, call).await
}

/// The response of `queue-redrive` to an edited sample.
pub(super) async fn redrive_response(platform: &Platform, case: &str) -> Value {
    let route = Wiring::new(catalog::QUEUE_REDRIVE, Config::from_vars([])).route().expect("a route");
    let handler = async |call| handle_redrive(platform, call).await;
    edge::http::respond(&route, sample(catalog::QUEUE_REDRIVE, case), &clock(), &handler).await
}

pub(super) async fn redrive(platform: &Platform, case: &str) -> Value {
    let handler = async |call| handle_redrive(platform, call).await;
    body!(QUEUE_REDRIVE, case, handler)
}

pub(super) async fn audit(platform: &Platform) -> Value {
    let handler = async |call| operator_action_list::handle(&platform.operator_actions(), call).await;
    body!(OPERATOR_ACTION_LIST, "ok", handler)["items"].take()
}

#[tokio::test]
async fn queue_redrive_moves_all_at_the_rate_and_records_who_and_why() {
    let platform = platform_with(&[A, B, C]);
    let done = redrive(&platform, "ok").await;
    assert_eq!((&done["redriven"], &done["message_ids"]), (&json!(3), &json!([A, B, C])));
    let delays: Vec<u32> = platform.queues().sent().iter().map(|(.., delay)| *delay).collect();
    assert_eq!(delays, [0, 0, 1], "two a second");
    assert_eq!(platform.queues().sent()[0].1, dead_letter(A).body);
    let audited = audit(&platform).await;
    assert_eq!(audited[0]["id"], done["action_id"]);
    assert_eq!((&audited[0]["action"], &audited[0]["target"]), (&json!("redrive"), &json!("stock-reserve")));
    assert_eq!(audited[0]["reason"], "The inventory is back.");
    assert_eq!(audited[0]["outcome"], json!({ "matched": 3, "redriven": 3 }));
    assert_eq!(redrive(&platform, "ok").await["redriven"], 0, "a repetition finds nothing");
}

#[tokio::test]
async fn queue_redrive_moves_the_messages_that_are_named_and_leaves_the_others() {
    let platform = platform_with(&[A, B, C]);
    let named = format!("set /body/message_ids = [\"{B}\"]");
    assert_eq!(redrive(&platform, &named).await["message_ids"], json!([B]));
    assert_eq!(redrive(&platform, "ok").await["message_ids"], json!([A, C]));
}

#[tokio::test]
async fn queue_redrive_of_a_dry_run_moves_and_records_nothing() {
    let platform = platform_with(&[A, B]);
    let dry = "set /body/dry_run = true";
    let done = redrive(&platform, dry).await;
    assert_eq!((&done["redriven"], &done["action_id"]), (&json!(0), &Value::Null));
    assert_eq!(done["message_ids"], json!([A, B]));
    assert!(platform.queues().sent().is_empty());
    assert_eq!(audit(&platform).await, json!([]));
    assert_eq!(redrive(&platform, dry).await["message_ids"], json!([A, B]), "they are visible again");
    assert_eq!(done["has_more"], false);
    let first = redrive(&platform, &format!("{dry}; set /body/max = 1")).await;
    assert_eq!((&first["message_ids"], &first["has_more"]), (&json!([A]), &json!(true)));
}

#[tokio::test]
async fn queue_redrive_without_its_audit_moves_nothing() {
    let platform = platform_with(&[A]);
    platform.faults().take_down(Dependency::Database);
    assert_eq!(redrive_response(&platform, "ok").await["statusCode"], 503);
    assert!(platform.queues().sent().is_empty());
}

const KEYED: &str = r#"set /headers/idempotency-key = "k-1""#;

/// Status, body and whether it is a replay, of the response of one of the functions to an edited sample. The ids of each `seed` are others.
macro_rules! keyed {
    ($row:ident, $case:expr, $seed:expr, $handler:expr) => {{
        let route = Wiring::new(catalog::$row, Config::from_vars([])).route().expect("a route");
        let clock = Clock::at(sample_time(), $seed);
        let response = edge::http::respond(&route, sample(catalog::$row, $case), &clock, &$handler).await;
        let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
        (response["statusCode"].as_u64().expect("a status"), body, response["headers"]["idempotent-replayed"] == "true")
    }};
}

async fn keyed_redrive(platform: &Platform, case: &str, seed: u64) -> (u64, Value, bool) {
    let handler = async |call| handle_redrive(platform, call).await;
    keyed!(QUEUE_REDRIVE, case, seed, handler)
}

#[tokio::test]
async fn queue_redrive_under_a_repeated_key_moves_no_message_that_came_since() {
    let platform = platform_with(&[A, B]);
    let (status, first, _) = keyed_redrive(&platform, KEYED, 1).await;
    assert_eq!((status, &first["redriven"]), (200, &json!(2)));
    platform.queues().put(catalog::STOCK_RESERVE.name, dead_letter(C));
    assert_eq!(keyed_redrive(&platform, KEYED, 2).await, (200, first, true));
    assert_eq!((platform.queues().sent().len(), audit(&platform).await.as_array().map(Vec::len)), (2, Some(1)));
    let other = format!("{KEYED}; set /body/max = 1");
    let (status, reused, _) = keyed_redrive(&platform, &other, 3).await;
    assert_eq!((status, &reused["type"]), (422, &json!("/problems/idempotency-key-reused")));
    let dry = format!("{KEYED}; set /body/dry_run = true");
    assert_eq!(keyed_redrive(&platform, &dry, 4).await.1["message_ids"], json!([C]), "a dry run has no use for a key");
}

#[tokio::test]
async fn queue_redrive_that_failed_half_way_goes_on_under_its_key() {
    let platform = platform_with(&[A, B, C]);
    // After a receive, a release of none, and the first message.
    platform.faults().fail(Dependency::DeadLetters, Occurrence::Nth(4), FaultPoint::Before);
    let (status, ..) = keyed_redrive(&platform, KEYED, 1).await;
    assert_eq!((status, platform.queues().sent().len()), (503, 1));
    let (status, done, is_replay) = keyed_redrive(&platform, KEYED, 2).await;
    assert_eq!((status, &done["message_ids"], is_replay), (200, &json!([B, C]), false));
    let audited = audit(&platform).await;
    let outcomes: Vec<&Value> = audited.as_array().into_iter().flatten().map(|action| &action["outcome"]).collect();
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&&json!({ "matched": 3, "redriven": 1 })), "{audited}");
}

#[test]
fn action_of_an_operator_has_its_key_for_longer_than_its_function_runs() {
    for function in [catalog::QUEUE_REDRIVE, catalog::EVENT_REPLAY, catalog::CONSUMER_STATE_UPDATE] {
        assert!(2 * function.timeout_s <= ports::ACTION_LEASE_SECONDS, "{}", function.name);
    }
}

#[tokio::test]
async fn queue_redrive_is_for_admins_and_names_what_is_wrong() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("bad_no_reason", 422, "validation", "/reason"),
        (STAFF, 403, "forbidden", ""),
        (r#"set /pathParameters/name = "order-get""#, 404, "not-found", ""),
        (r#"set /pathParameters/name = "no-such""#, 404, "not-found", ""),
        (r#"set /pathParameters/name = "window-aggregate""#, 409, "queue-not-redrivable", ""),
        (r#"set /pathParameters/name = "event-record""#, 422, "validation", "/per_second"),
        ("set /body/max = 101", 422, "validation", "/max"),
        ("set /body/message_ids = []", 422, "validation", "/message_ids"),
        (r#"set /body/message_ids = ["a"]"#, 422, "validation", "/message_ids/0"),
    ];
    let platform = platform_with(&[]);
    assert_responses(catalog::QUEUE_REDRIVE, &expected, async |_, call| handle_redrive(&platform, call).await).await;
}

/// A platform on which two products were published and indexed.
async fn with_published_products() -> (Platform, Vec<kernel::Uuid>) {
    let platform = Platform::new();
    let mut ids = Vec::new();
    for number in [1, 2] {
        let id = domain::id::ProductId(kernel::Uuid::from_u128(number));
        let event = build::product().id(id).at(sample_time()).created().change_event();
        ids.push(event.id);
        ports::EventOutbox::commit(&platform.events(), &event).await.expect("committed");
    }
    (platform, ids)
}

async fn replay(platform: &Platform, case: &str) -> Value {
    let handler = async |call| {
        event_replay::handle(&platform.outbox(), &platform.queues(), &platform.operator_actions(), call).await
    };
    body!(EVENT_REPLAY, case, handler)
}

#[tokio::test]
async fn event_replay_sends_published_events_to_one_consumer_and_records_who_and_why() {
    let (platform, ids) = with_published_products().await;
    let first = replay(&platform, "set /body/max = 1").await;
    assert_eq!((&first["replayed"], &first["event_ids"]), (&json!(1), &json!([ids[0]])));
    let next = format!("set /body/cursor = {}", first["next_cursor"]);
    let second = replay(&platform, &next).await;
    assert_eq!((&second["event_ids"], &second["next_cursor"]), (&json!([ids[1]]), &Value::Null));
    let sent = platform.queues().sent();
    assert!(sent.iter().all(|(consumer, ..)| consumer == "product-index"), "{sent:?}");
    let delivered: Value = serde_json::from_str(&sent[1].1).expect("JSON");
    assert_eq!(delivered["id"], json!(ids[1]));
    let audited = audit(&platform).await;
    assert_eq!((&audited[0]["action"], &audited[0]["outcome"]["replayed"]), (&json!("replay"), &json!(1)));
    assert_eq!(audited[0]["reason"], "A defect in the index.");
}

#[tokio::test]
async fn event_replay_under_a_repeated_key_sends_nothing_again() {
    let (platform, _) = with_published_products().await;
    let handler = async |call| {
        event_replay::handle(&platform.outbox(), &platform.queues(), &platform.operator_actions(), call).await
    };
    let (status, first, _) = keyed!(EVENT_REPLAY, KEYED, 1, handler);
    assert_eq!((status, &first["replayed"]), (200, &json!(2)));
    assert_eq!(keyed!(EVENT_REPLAY, KEYED, 2, handler), (200, first, true));
    assert_eq!((platform.queues().sent().len(), audit(&platform).await.as_array().map(Vec::len)), (2, Some(1)));
    let other = format!("{KEYED}; set /body/max = 1");
    let (status, reused, _) = keyed!(EVENT_REPLAY, &other, 3, handler);
    assert_eq!((status, &reused["type"]), (422, &json!("/problems/idempotency-key-reused")));
    platform.faults().take_down(Dependency::DeadLetters);
    let fresh = r#"set /headers/idempotency-key = "k-2""#;
    assert_eq!(keyed!(EVENT_REPLAY, fresh, 4, handler).0, 503);
    platform.faults().restore_all();
    let (status, _, is_replay) = keyed!(EVENT_REPLAY, fresh, 5, handler);
    assert_eq!((status, is_replay), (200, false), "a failure leaves the key free");
}

#[tokio::test]
async fn event_replay_of_a_dry_run_sends_and_records_nothing() {
    let (platform, ids) = with_published_products().await;
    let done = replay(&platform, "set /body/dry_run = true").await;
    assert_eq!((&done["replayed"], &done["action_id"]), (&json!(0), &Value::Null));
    assert_eq!(done["event_ids"], json!(ids));
    assert_eq!(done["policy"], "by_version", "the index handles an event again");
    let mailer = r#"set /body/consumer = "update-send"; set /body/dry_run = true"#;
    assert_eq!(replay(&platform, mailer).await["policy"], "claims", "no mail is sent again");
    assert!(platform.queues().sent().is_empty());
    assert_eq!(audit(&platform).await, json!([]));
}

#[tokio::test]
async fn event_replay_is_for_admins_and_names_what_is_wrong() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("bad_no_reason", 422, "validation", "/reason"),
        (STAFF, 403, "forbidden", ""),
        (r#"set /body/consumer = "order-get""#, 422, "validation", "/consumer"),
        (r#"set /body/event_types = ["OrderPlaced.v1"]"#, 422, "validation", "/event_types/0"),
        (r#"set /body/from = "yesterday""#, 422, "validation", "/from"),
        (r#"set /body/to = "2026-11-21T08:00:00Z""#, 422, "validation", "/to"),
        (r#"set /body/cursor = "?""#, 422, "validation", "/cursor"),
        ("set /body/max = 0", 422, "validation", "/max"),
    ];
    let platform = Platform::new();
    assert_responses(catalog::EVENT_REPLAY, &expected, async |_, call| {
        event_replay::handle(&platform.outbox(), &platform.queues(), &platform.operator_actions(), call).await
    })
    .await;
}

#[tokio::test]
async fn operator_action_list_is_for_admins() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (STAFF, 403, "forbidden", ""),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    let platform = Platform::new();
    assert_responses(catalog::OPERATOR_ACTION_LIST, &expected, async |_, call| {
        operator_action_list::handle(&platform.operator_actions(), call).await
    })
    .await;
}
