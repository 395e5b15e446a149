//! Tests of the serialization and the envelope of events.

use super::*;
use crate::id::OrderId;
use kernel::Uuid;

#[test]
fn event_type_is_its_catalog_name() {
    let event = DomainEvent::from(StockReleased { order_id: OrderId(Uuid::nil()), levels: vec![] });
    let json = serde_json::to_value(&event).expect("serializes");
    assert_eq!(json["type"], event.row().name);
}

#[test]
fn payload_of_another_type_is_unexpected() {
    let released = StockReleased { order_id: OrderId(Uuid::nil()), levels: vec![] };
    let event = DomainEvent::from(released.clone());
    assert_eq!(event.payload(), Ok(&released));
    assert_eq!(event.payload::<StockShipped>().expect_err("another type").code, "unexpected-event");
}

#[test]
fn unknown_members_are_ignored() {
    let json = r#"{"type":"StockReleased.v1","data":{"order_id":"00000000-0000-0000-0000-000000000000","new":1}}"#;
    assert!(serde_json::from_str::<DomainEvent>(json).is_ok());
}

#[test]
fn every_event_has_a_schema() {
    assert_eq!(schemas().len(), catalog::EVENTS.len());
}
