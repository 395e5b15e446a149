//! Publishes products that were created, changed by staff or withdrawn, from the change stream of the products table, which is the
//! catalogue's outbox, and removes them from the cache.
//!
//! A redelivered record gives the same event id, so that consumers deduplicate it.

use domain::{Event, product::Product};
use edge::dynamodb::{Change, ChangeKind};
use kernel::{Failure, FailureKind, TraceContext};
use ports::{Bus, Cache, product_cache_key};
use serde_json::Value;

/// Publishes one change. `parse` decodes an item of the table; `None` for an item that is not a product.
pub async fn handle(
    bus: &impl Bus,
    cache: &impl Cache,
    parse: impl Fn(&Value) -> Result<Option<Product>, Failure>,
    change: Change,
) -> Result<(), Failure> {
    if change.kind == ChangeKind::Remove {
        return Ok(());
    }
    // An item that cannot be decoded never will be: it must not block the changes behind it.
    let broken = |cause| {
        Failure::new(FailureKind::Invalid, "unreadable-item", "The item is not a valid product.").with_internal(cause)
    };
    let read = |image: &Option<Value>| image.as_ref().map_or(Ok(None), &parse).map_err(broken);
    let Some(product) = read(&change.new_image)? else { return Ok(()) };
    let is_of_staff = change.kind == ChangeKind::Insert
        || read(&change.old_image)?.is_none_or(|before| before.version < product.version);
    if !is_of_staff {
        return Ok(());
    }
    // A reader may have cached the product between the change and its invalidation by the function that made it.
    cache.invalidate(&product_cache_key(product.id)).await;
    let id = product.event_id();
    let event =
        Event::new(id, product.id, product.version, product.updated_at, &TraceContext::new(id), product.event());
    match bus.publish(&[event]).await?.as_slice() {
        [true] => Ok(()),
        _ => Err(Failure::unavailable("event bus", "it rejected the event")),
    }
}
