//! What operators see: the records of events, and the timeline of an order.

use super::{ORDER, USER, assert_all_samples_run, clock, http::assert_responses, sample, sample_time};
use adapters::{Wiring, config::Config};
use edge::{Consumer, kafka::Record};
use kernel::{Claim, CloudEvent};
use serde_json::{Map, Value, json};
use testkit::Platform;

/// Runs samples of event-record.
pub(crate) async fn record(platform: &Platform, cases: &[&str]) {
    let handler = async |batch: &[Record<CloudEvent<Map<String, Value>>>]| {
        event_record::handle(&platform.event_records(), batch).await
    };
    let consumer = Consumer::new(catalog::EVENT_RECORD.name, catalog::MAX_RECEIVES);
    for case in cases {
        let event = sample(catalog::EVENT_RECORD, case);
        edge::kafka::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
}

#[tokio::test]
async fn event_record_records_each_event_once_and_dead_letters_unreadable_ones() {
    assert_all_samples_run(catalog::EVENT_RECORD, &["ok", "ok_tombstone", "bad_mixed_batch"]);
    let platform = Platform::new();
    record(&platform, &["ok", "ok", "bad_mixed_batch"]).await;
    let recorded = platform.event_records().all();
    let kinds: Vec<&str> = recorded.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["OrderPlaced.v1", "OrderConfirmed.v1"]);
    assert!(recorded.iter().all(|event| (event.order_id, event.user_id) == (Some(ORDER), Some(USER))), "{recorded:?}");
    assert_eq!(platform.dead_letters().messages().len(), 1);
}

#[tokio::test]
async fn event_record_takes_the_tombstone_of_an_erased_person() {
    let platform = Platform::new();
    record(&platform, &["ok_tombstone"]).await;
    assert_eq!((platform.event_records().all().len(), platform.dead_letters().messages().len()), (1, 0));
}

#[tokio::test]
async fn event_record_keeps_no_address_even_if_one_was_forwarded() {
    let platform = Platform::new();
    record(&platform, &["ok"]).await;
    let recorded = format!("{:?}", platform.event_records().all());
    assert!(!recorded.contains("Harbour Way") && !recorded.contains("Oakland"), "{recorded}");
}

#[tokio::test]
async fn order_timeline_get_is_for_admins_and_names_what_is_wrong() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "staff""#, 403, "forbidden", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "history-removed", ""),
        (r#"set /pathParameters/id = "01a1f640-bc00-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (r#"set /pathParameters/id = "x""#, 404, "not-found", ""),
        (r#"set /rawQueryString = "limit=0""#, 422, "validation", "?limit"),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    let platform = Platform::new();
    record(&platform, &["ok"]).await;
    assert_responses(catalog::ORDER_TIMELINE_GET, &expected, async |_, call| {
        order_timeline_get::handle(&platform.event_records(), call).await
    })
    .await;
}

#[tokio::test]
async fn order_timeline_get_lists_the_consumers_of_each_event_with_their_delay() {
    let platform = Platform::new();
    record(&platform, &["ok"]).await;
    let placed = platform.event_records().all().remove(0);
    platform.handled_events().assume(Claim { consumer: catalog::STOCK_RESERVE.name, event_id: placed.id });
    let route = Wiring::new(catalog::ORDER_TIMELINE_GET, Config::from_vars([])).route().expect("a route");
    let handler = async |call| order_timeline_get::handle(&platform.event_records(), call).await;
    let event = sample(catalog::ORDER_TIMELINE_GET, "ok");
    let response = edge::http::respond(&route, event, &clock(), &handler).await;
    let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let [first, second] = &body["items"].as_array().expect("a list")[..] else { panic!("{body}") };
    assert_eq!((&first["type"], &second["type"]), (&json!("OrderPlaced.v1"), &json!("OrderConfirmed.v1")));
    assert_eq!(first["occurred_at"], json!(sample_time()));
    assert_eq!((&first["since_previous_ms"], &second["since_previous_ms"]), (&Value::Null, &json!(0)));
    assert_eq!(first["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let handled = &first["deliveries"][0];
    assert_eq!((&handled["consumer"], &handled["status"]), (&json!("stock-reserve"), &json!("handled")));
    assert_eq!(first["deliveries"][1]["status"], "open");
}
