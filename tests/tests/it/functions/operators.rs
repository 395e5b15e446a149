//! What operators see of orders that stand still and of queues, and what they do about dead letters.

use super::{ORDER, clock, http::assert_responses, placed, sample, sample_time, seeded_platform};
use adapters::{Wiring, config::Config};
use domain::queue::DeadMessage;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Dependency, Platform, build};

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
const A: &str = "0192f0c1-0000-7000-8000-00000000aa0a";
const B: &str = "0192f0c1-0000-7000-8000-00000000aa0b";
const C: &str = "0192f0c1-0000-7000-8000-00000000aa0c";

/// A dead letter of `stock-reserve` with an event of the sample order.
fn dead_letter(id: &str) -> DeadMessage {
    let event = &sample(catalog::STOCK_RESERVE, "ok")["Records"][0]["body"];
    DeadMessage {
        id: id.to_owned(),
        receipt: format!("receipt-{id}"),
        body: event.as_str().expect("a body").to_owned(),
        dead_since: sample_time(),
        notes: BTreeMap::from([("reason".to_owned(), "not-found".to_owned())]),
        attributes: BTreeMap::new(),
    }
}

fn platform_with(ids: &[&str]) -> Platform {
    let platform = Platform::new();
    ids.iter().for_each(|id| platform.queues().put(catalog::STOCK_RESERVE.name, dead_letter(id)));
    platform
}

#[tokio::test]
async fn queue_list_begins_with_what_has_dead_letters() {
    let platform = platform_with(&[A, B]);
    let handler = async |call| queue_list::handle(&platform.queues(), call).await;
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
    let handler = async |call| dead_letter_list::handle(&platform.queues(), call).await;
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
    assert_eq!(second["event"], Value::Null);
    let text = listed.to_string();
    assert!(!text.contains("Ada") && !text.contains("Harbour") && !text.contains("line1"), "{text}");
}

async fn redrive(platform: &Platform, case: &str) -> Value {
    let handler = async |call| queue_redrive::handle(&platform.queues(), &platform.operator_actions(), call).await;
    body!(QUEUE_REDRIVE, case, handler)
}

async fn audit(platform: &Platform) -> Value {
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
}

#[tokio::test]
async fn queue_redrive_without_its_audit_moves_nothing() {
    let platform = platform_with(&[A]);
    platform.faults().take_down(Dependency::Database);
    let route = Wiring::new(catalog::QUEUE_REDRIVE, Config::from_vars([])).route().expect("a route");
    let handler = async |call| queue_redrive::handle(&platform.queues(), &platform.operator_actions(), call).await;
    let response = edge::http::respond(&route, sample(catalog::QUEUE_REDRIVE, "ok"), &clock(), &handler).await;
    assert_eq!(response["statusCode"], 503);
    assert!(platform.queues().sent().is_empty());
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
        (r#"set /pathParameters/name = "event-archive""#, 409, "queue-not-redrivable", ""),
        ("set /body/max = 101", 422, "validation", "/max"),
        ("set /body/message_ids = []", 422, "validation", "/message_ids"),
        (r#"set /body/message_ids = ["a"]"#, 422, "validation", "/message_ids/0"),
    ];
    let platform = platform_with(&[]);
    assert_responses(catalog::QUEUE_REDRIVE, &expected, async |_, call| {
        queue_redrive::handle(&platform.queues(), &platform.operator_actions(), call).await
    })
    .await;
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
async fn event_replay_of_a_dry_run_sends_and_records_nothing() {
    let (platform, ids) = with_published_products().await;
    let done = replay(&platform, "set /body/dry_run = true").await;
    assert_eq!((&done["replayed"], &done["action_id"]), (&json!(0), &Value::Null));
    assert_eq!(done["event_ids"], json!(ids));
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
