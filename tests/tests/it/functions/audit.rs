//! Who did it: from the request of a member of staff to the timeline of the order and the audit.

use super::{ORDER, PRODUCT, USER, clock, confirmed, customer, sample, sample_time, seeded_platform};
use adapters::{Wiring, config::Config};
use catalog::{FUNCTIONS, Method, Trigger};
use domain::{DomainEvent, Event};
use edge::{
    Consumer, Delivery,
    http::{Audited, Body, Call, Reply},
    kafka::Record,
    testing,
};
use kernel::{CloudEvent, Failure, Principal};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use testkit::{Platform, build};

/// Actor of the samples of requests by staff.
const STAFF: &str = "0192f0c1-0000-7000-8000-000000000002";

/// The body of the response of a function to a sample.
async fn respond<B: Body, T: Serialize>(
    row: &'static catalog::Function,
    case: &str,
    handler: impl AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
) -> Value {
    let route = Wiring::new(row, Config::from_vars([])).route().expect("a route");
    let response = edge::http::respond(&route, sample(row, case), &clock(), &handler).await;
    serde_json::from_str(response["body"].as_str().unwrap_or("null")).expect("JSON")
}

/// Forwards what was published to Kafka, and records from there what operators see.
async fn record_published(platform: &Platform) {
    let forward =
        async |delivery: Delivery<Map<String, Value>>| event_forward::handle(&platform.event_log(), delivery).await;
    let published = platform.bus().published();
    let batch = testing::sqs_event(&published.iter().collect::<Vec<_>>());
    let consumer = Consumer::new(catalog::EVENT_FORWARD.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, batch, &clock(), &platform.dead_letters(), &forward).await.expect("a batch");

    let log = platform.event_log().records();
    let value = |record: &ports::EventLogRecord| {
        serde_json::from_str::<Value>(record.value.as_deref().expect("a value")).expect("JSON")
    };
    let values: Vec<(&str, Value)> = log.iter().map(|record| (record.key.as_str(), value(record))).collect();
    let keep = async |batch: &[Record<CloudEvent<Map<String, Value>>>]| {
        event_record::handle(&platform.event_records(), batch).await
    };
    let consumer = Consumer::new(catalog::EVENT_RECORD.name, catalog::MAX_RECEIVES);
    let batch = testing::kafka_event("order-events", &values);
    edge::kafka::batch(&consumer, batch, &clock(), &platform.dead_letters(), &keep).await.expect("a batch");
    assert_eq!(platform.dead_letters().messages().len(), 0);
}

/// The timeline of the order and the audit after a sample of order-cancel.
async fn after_cancellation(case: &str) -> (Value, Value) {
    let platform = seeded_platform();
    platform.orders().put(&confirmed().0);
    respond(catalog::ORDER_CANCEL, case, async |call| order_cancel::handle(&platform.orders(), call).await).await;
    let audit = audited(&platform).await;
    let timeline = async |call| order_timeline_get::handle(&platform.event_records(), call).await;
    (respond(catalog::ORDER_TIMELINE_GET, "ok", timeline).await["items"].take(), audit)
}

/// The entries of the audit, once what was published is recorded.
async fn audited(platform: &Platform) -> Value {
    record_published(platform).await;
    let audit = async |call| operator_action_list::handle(&platform.operator_actions(), call).await;
    respond(catalog::OPERATOR_ACTION_LIST, "ok", audit).await["items"].take()
}

#[tokio::test]
async fn cancellation_by_staff_names_them_in_the_timeline_and_in_the_audit() {
    let (timeline, audit) = after_cancellation("ok_staff").await;
    let [cancelled] = &timeline.as_array().expect("a list")[..] else { panic!("{timeline}") };
    assert_eq!(cancelled["type"], "OrderCancelled.v1");
    assert_eq!(cancelled["actor"], json!({ "id": STAFF, "role": "staff" }));
    assert_eq!(cancelled["published_at"], json!(sample_time()));
    let [change] = &audit.as_array().expect("a list")[..] else { panic!("{audit}") };
    assert_eq!((&change["operator_id"], &change["operator_role"]), (&json!(STAFF), &json!("staff")));
    assert_eq!((&change["action"], &change["target"]), (&json!("OrderCancelled.v1"), &json!(ORDER)));
    assert_eq!((&change["id"], &change["order_id"]), (&cancelled["id"], &json!(ORDER)));
    assert_eq!((&change["reason"], &change["request"]), (&Value::Null, &json!({})));
    assert_eq!(change["outcome"]["reason"], "staff_request");
}

#[tokio::test]
async fn cancellation_by_the_customer_is_in_the_timeline_and_not_in_the_audit() {
    let (timeline, audit) = after_cancellation("ok").await;
    assert_eq!(timeline[0]["actor"], json!({ "id": USER, "role": "customer" }));
    assert_eq!(audit, json!([]));
}

#[tokio::test]
async fn new_role_of_a_user_is_in_the_audit() {
    let platform = seeded_platform();
    platform.users().put(&customer(), "correct horse battery");
    let update = async |call| user_role_update::handle(&platform.users(), &platform.revocations(), call).await;
    respond(catalog::USER_ROLE_UPDATE, "ok", update).await;
    let audit = audited(&platform).await;
    assert_eq!((&audit[0]["action"], &audit[0]["target"]), (&json!("UserUpdated.v1"), &json!(USER)));
    assert_eq!(audit[0]["outcome"], json!({ "user_id": USER, "role": "staff", "status": "active" }));
}

#[tokio::test]
async fn role_of_an_invited_user_is_in_the_audit() {
    let platform = seeded_platform();
    let (users, passwords, tokens) = (platform.users(), platform.passwords(), platform.tokens());
    let invite = async |call| user_invite::handle(&users, &passwords, &tokens, call).await;
    let invited = respond(catalog::USER_INVITE, "ok", invite).await;
    let audit = audited(&platform).await;
    assert_eq!((&audit[0]["action"], &audit[0]["target"]), (&json!("UserRegistered.v1"), &invited["id"]));
    assert_eq!(audit[0]["outcome"], json!({ "user_id": invited["id"], "role": "staff" }));
}

#[tokio::test]
async fn event_that_a_consumer_causes_has_no_actor() {
    let actor = Some(Principal { id: USER.0, role: "customer".to_owned() });
    let cause = CloudEvent { actor, ..confirmed().1 };
    let delivery: Delivery<DomainEvent> = testing::delivery(catalog::STOCK_RELEASE.name, cause.clone(), &clock());
    let caused: Event = delivery.event("s-1", 1, cause.event);
    assert_eq!((caused.actor, caused.correlationid), (None, cause.correlationid), "the request is the same");
}

#[tokio::test]
async fn change_of_a_product_names_who_made_it() {
    let platform = seeded_platform();
    let (products, cache) = (platform.products(), platform.cache());
    let actors = || -> Vec<Option<String>> {
        let events = products.all().into_iter().map(|product| product.change_event());
        events.map(|event| event.actor.map(|actor| actor.role)).collect()
    };
    let staff = || Some("staff".to_owned());
    assert_eq!(actors(), [None]);
    respond(catalog::PRODUCT_UPDATE, "ok", async |call| product_update::handle(&products, &cache, call).await).await;
    assert_eq!(actors(), [staff()]);
    platform.products().put(&build::product().id(PRODUCT).sku("LANTERN-0").created());
    respond(catalog::PRODUCT_DELETE, "ok", async |call| product_delete::handle(&products, &cache, call).await).await;
    assert_eq!(actors(), [staff()]);
    respond(catalog::PRODUCT_CREATE, "ok", async |call| product_create::handle(&products, call).await).await;
    assert_eq!(actors(), [staff(), staff()]);
}

#[tokio::test]
async fn action_that_the_role_does_not_permit_is_in_the_audit_once_an_hour() {
    let platform = seeded_platform();
    let actions = platform.operator_actions();
    let refused = async |row: &'static catalog::Function| {
        let route = Wiring::new(row, Config::from_vars([])).route().expect("a route");
        let event = sample(row, r#"set /requestContext/authorizer/lambda/role = "staff""#);
        let handler = async |_: Call<Value>| Ok(Reply::ok(()));
        let response = edge::http::respond(&Audited::new(route, &actions), event, &clock(), &handler).await;
        assert_eq!(response["statusCode"], 403, "{}", row.name);
    };
    let rows = [catalog::QUEUE_REDRIVE, catalog::CONSUMER_STATE_UPDATE, catalog::EVENT_REPLAY];
    for row in rows.into_iter().chain(rows) {
        refused(row).await;
    }
    let audit = async |call| operator_action_list::handle(&actions, call).await;
    let audit = respond(catalog::OPERATOR_ACTION_LIST, "ok", audit).await["items"].take();
    let audit = audit.as_array().expect("a list");
    let targets: BTreeSet<&str> = audit.iter().filter_map(|entry| entry["target"].as_str()).collect();
    assert_eq!((targets, audit.len()), (rows.map(|row| row.name).into(), 3), "{audit:?}");
    for entry in audit {
        assert_eq!((&entry["action"], &entry["operator_role"]), (&json!("refused"), &json!("staff")));
        assert_eq!((&entry["reason"], &entry["outcome"]), (&Value::Null, &json!({ "refused": "forbidden" })));
    }
}

#[test]
fn every_action_of_operators_records_who_is_refused() {
    let is_action = |function: &&&catalog::Function| match function.trigger {
        Trigger::Http { method, path, .. } => method != Method::Get && path.starts_with("/api/v1/ops/"),
        _ => false,
    };
    let actions: Vec<_> = FUNCTIONS.iter().filter(is_action).collect();
    assert!(actions.len() >= 3);
    for function in actions {
        let path = xtask::root().join("functions").join(function.name).join("src/main.rs");
        let main = std::fs::read_to_string(path).expect("readable");
        assert!(main.contains("edge::http::Audited::new("), "{}", function.name);
    }
}
