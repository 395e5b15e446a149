//! Publishes new products from the change stream of the products table, which is the catalogue's outbox.
//!
//! A redelivered record gives the same event id, so that consumers deduplicate it.

use domain::{Event, product::Product};
use edge::dynamodb::{Change, ChangeKind};
use kernel::{Failure, FailureKind, TraceContext};
use ports::Bus;
use serde_json::Value;

/// Publishes one change. `parse` decodes an item of the table; `None` for an item that is not a product.
pub async fn handle(
    bus: &impl Bus,
    parse: impl Fn(&Value) -> Result<Option<Product>, Failure>,
    change: Change,
) -> Result<(), Failure> {
    let (ChangeKind::Insert, Some(image)) = (change.kind, &change.new_image) else { return Ok(()) };
    // An item that cannot be decoded never will be: it must not block the changes behind it.
    let broken = |cause| {
        Failure::new(FailureKind::Invalid, "unreadable-item", "The item is not a valid product.").with_internal(cause)
    };
    let Some(product) = parse(image).map_err(broken)? else { return Ok(()) };
    // A product is created once: its id is also the id of the event and the correlation id.
    let (id, trace) = (product.id.0, TraceContext::new(product.id.0));
    let event = Event::new(id, product.id, product.version, product.created_at, &trace, product.created());
    match bus.publish(&[event]).await?.as_slice() {
        [true] => Ok(()),
        _ => Err(Failure::unavailable("event bus", "it rejected the event")),
    }
}
