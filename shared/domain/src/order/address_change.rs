//! Changing the shipping address of an order that has not been shipped.

use super::{Note, Order, Status};
use crate::{
    address::Address,
    id::{NoteId, UserId},
    text::MessageText,
};
use kernel::{Failure, FailureKind, Timestamp};

/// Sends the order to another address. `None` if it is the same. An order that was shipped or cancelled is a `Conflict`, code
/// `order-not-changeable`. Country and region must stay, since tax and shipping were computed for them.
pub fn change_address(order: &Order, address: Address, now: Timestamp) -> Result<Option<Order>, Failure> {
    if !matches!(order.status, Status::Pending | Status::Processing) {
        let detail = format!("The address of an order that is {} cannot be changed any more.", order.status.name());
        return Err(Failure::new(FailureKind::Conflict, "order-not-changeable", detail));
    }
    let known = &order.shipping_address;
    let detail = "must stay, because tax and shipping depend on it: cancel the order and place it again";
    if address.country != known.country {
        return Err(Failure::field("/country", detail));
    }
    if address.area() != known.area() {
        return Err(Failure::field("/region", detail));
    }
    if address == *known {
        return Ok(None);
    }
    Ok(Some(Order { shipping_address: address, version: order.version + 1, updated_at: now, ..order.clone() }))
}

/// The note that says who changed the address of an order; `None` if the customer did. No event and no entry of the history says it.
pub fn address_change_note(changed: &Order, id: NoteId, by: UserId) -> Result<Option<Note>, Failure> {
    if by == changed.user_id {
        return Ok(None);
    }
    let text = MessageText::parse("The delivery address was changed.").map_err(Failure::internal)?;
    Ok(Some(Note { id, order_id: changed.id, author: by, text, created_at: changed.updated_at }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::placed;
    use super::*;
    use kernel::Uuid;
    use serde_json::{Value, json};

    fn address(edits: Value) -> Address {
        let address =
            json!({"line1": "2 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US"});
        let mut address = address.as_object().cloned().expect("an object");
        address.extend(edits.as_object().cloned().expect("an object"));
        serde_json::from_value(address.into()).expect("an address")
    }

    fn at() -> Timestamp {
        Timestamp::from_second(60).expect("valid")
    }

    #[test]
    fn address_may_change_within_its_tax_area_until_the_order_is_shipped() {
        let order = placed();
        let changed = change_address(&order, address(json!({})), at()).expect("allowed").expect("a change");
        assert_eq!((changed.version, changed.updated_at), (order.version + 1, at()));
        assert_eq!((&changed.totals, &changed.history), (&order.totals, &order.history));
        assert_eq!(change_address(&changed, address(json!({})), at()), Ok(None));
        for status in [Status::Shipped, Status::Delivered, Status::Cancelled] {
            let failure = change_address(&Order { status, ..order.clone() }, address(json!({})), at());
            assert_eq!(failure.expect_err("rejected").code, "order-not-changeable");
        }
    }

    #[test]
    fn change_by_somebody_else_than_the_customer_is_noted() {
        let changed = change_address(&placed(), address(json!({})), at()).expect("allowed").expect("a change");
        let (id, staff) = (NoteId(Uuid::from_u128(8)), UserId(Uuid::from_u128(9)));
        assert_eq!(address_change_note(&changed, id, changed.user_id), Ok(None));
        let note = address_change_note(&changed, id, staff).expect("a valid text").expect("a note");
        assert_eq!((note.id, note.order_id, note.author, note.created_at), (id, changed.id, staff, at()));
        assert_eq!(note.text.as_str(), "The delivery address was changed.");
    }

    #[test]
    fn country_and_region_must_stay() {
        for (edits, pointer) in [(json!({ "country": "DE" }), "/country"), (json!({ "region": "NY" }), "/region")] {
            let failure = change_address(&placed(), address(edits), at()).expect_err("rejected");
            assert_eq!(failure.fields[0].pointer, pointer);
        }
    }
}
