//! Publishes what changed in the products table: the table's stream is the catalogue's outbox.
//!
//! A record that comes twice gives the same event id twice, so that consumers do it once.

use domain::{event, product::Product};
use edge::dynamodb::{Change, ChangeKind};
use kernel::{Failure, FailureKind, TraceContext};
use ports::Bus;
use serde_json::Value;

/// Relays one change. `read` knows how the table keeps products, and answers `None` for items of other kinds.
pub async fn handle(
    bus: &impl Bus,
    read: impl Fn(&Value) -> Result<Option<Product>, Failure>,
    change: Change,
) -> Result<(), Failure> {
    let (ChangeKind::Insert, Some(image)) = (change.kind, &change.new_image) else { return Ok(()) };
    // An item that cannot be read will not be readable later: it must not hold up the changes behind it.
    let broken =
        |cause| Failure::new(FailureKind::Invalid, "unreadable-item", "The item is no product.").with_internal(cause);
    let Some(product) = read(image).map_err(broken)? else { return Ok(()) };
    // A product is created once: its own id names the event of its creation, and begins its correlation.
    let (id, trace) = (product.id.0, TraceContext::new(product.id.0));
    let event = event::wrap(id, product.id, product.version, product.created_at, &trace, product.created());
    match bus.publish(&[event]).await?.as_slice() {
        [true] => Ok(()),
        _ => Err(Failure::unavailable("event bus", "it did not take the event")),
    }
}
