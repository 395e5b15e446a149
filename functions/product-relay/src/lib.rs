//! Publishes products that were created, changed by staff or withdrawn, from the change stream of the products table, and removes them from
//! the cache. The event of each change goes through the outbox of the catalogue, so that it is published and delivered as every other.
//!
//! A redelivered record gives the same event id, and is committed once.

use domain::product::Product;
use edge::dynamodb::{ChangeKind, ChangeRecord};
use kernel::{Failure, FailureKind};
use ports::{Cache, EventOutbox, product_cache_key};
use serde_json::Value;

/// Publishes one change. `parse` decodes an item of the table; `None` for an item that is not a product.
pub async fn handle(
    events: &impl EventOutbox,
    cache: &impl Cache,
    parse: impl Fn(&Value) -> Result<Option<Product>, Failure>,
    change: ChangeRecord,
) -> Result<(), Failure> {
    if change.kind == ChangeKind::Remove {
        return Ok(());
    }
    // An item that cannot be decoded never will be, and must not block the changes behind it; one of a newer version waits for that.
    let broken = |cause: Failure| match cause.kind {
        FailureKind::Unavailable => cause,
        _ => {
            let detail = "The item is not a valid product.";
            Failure::new(FailureKind::Invalid, "unreadable-item", detail).with_internal(cause)
        }
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
    events.commit(&product.change_event()).await
}
