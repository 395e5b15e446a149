//! Tests of what the contexts tell each other.

use super::*;
use kernel::Uuid;

#[test]
fn an_event_says_its_catalog_name_on_the_wire() {
    let event = DomainEvent::from(StockReleased { order_id: OrderId(Uuid::nil()), levels: vec![] });
    let json = serde_json::to_value(&event).expect("serializes");
    assert_eq!(json["type"], event.row().name);
}

#[test]
fn a_member_that_a_newer_producer_added_is_ignored() {
    let json = r#"{"type":"StockReleased.v1","data":{"order_id":"00000000-0000-0000-0000-000000000000","new":1}}"#;
    assert!(serde_json::from_str::<DomainEvent>(json).is_ok());
}

#[test]
fn what_is_personal_is_gone_and_the_rest_stays() {
    let mut event = serde_json::json!({"data": {"user_id": "u", "email": "ada@example.com", "username": "ada"}});
    strip_personal(&mut event, catalog::USER_REGISTERED);
    assert_eq!(event, serde_json::json!({"data": {"user_id": "u"}}));
}

#[test]
fn every_event_has_a_schema() {
    assert_eq!(schemas().len(), catalog::EVENTS.len());
}
