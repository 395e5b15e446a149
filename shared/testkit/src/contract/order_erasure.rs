//! Contract of [`OrderErasure`].

use super::{Fixture, a_claim, an_event, fresh, later, now};
use crate::build::{self, OrderBuilder, a_reply, usd};
use domain::{
    event::OrderDelivered,
    id::{NoteId, OrderId, ProductId, UserId},
    order::{Note, Order, Status},
    personal_data::SHIPPED_DAYS,
    text::MessageText,
};
use kernel::{Claim, IdempotencyKey, Timestamp};
use ports::{DueErasures, OrderErasure, OrderNotes, OrderStore, PlacementConditions, TransitionOutcome};

/// Generates one test per rule. The expression is a future of a `Fixture<impl OrderStore + OrderNotes + OrderErasure>`.
#[macro_export]
macro_rules! contract_order_erasure {
    ($fixture:expr) => {
        $crate::each_rule! { order_erasure, $fixture;
            final_orders_of_an_erased_customer_name_nobody
            open_order_is_erased_once_it_is_final
            shipped_order_is_erased_after_its_days
            transition_from_before_the_erasure_conflicts
            erasure_that_is_repeated_changes_nothing
        }
    };
}

const DAY_S: i64 = 24 * 3_600;

/// What a rule needs of the store.
pub trait Store: OrderStore + OrderNotes + OrderErasure {}
impl<S: OrderStore + OrderNotes + OrderErasure> Store for S {}

fn claim() -> Claim {
    a_claim(catalog::ORDER_ERASE.name)
}

fn builder(owner: UserId) -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(owner).at(now()).line_of(ProductId(fresh()), 1, usd(1_000))
}

/// Stores an order with a note, in a status that it has had since its placement.
async fn an_order(orders: &impl Store, owner: UserId, status: Status) -> Order {
    let order = builder(owner);
    let (placed, event) = (order.placed(), an_event(order.order_placed()));
    let key = IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "one".to_owned() };
    orders.place(&placed, &key, &a_reply("{}"), &event, &PlacementConditions::default()).await.expect("placed");
    let text = MessageText::parse("Rings twice").expect("a text");
    let note = Note { id: NoteId(fresh()), order_id: placed.id, author: UserId(fresh()), text, created_at: now() };
    orders.add_note(&note, None, &a_reply("{}")).await.expect("noted");
    match status {
        Status::Pending => placed,
        status => advance(orders, &placed, status).await,
    }
}

/// Commits another status of an order.
async fn advance(orders: &impl Store, order: &Order, status: Status) -> Order {
    let next = Order { status, reason: None, version: order.version + 1, ..order.clone() };
    assert_eq!(orders.advance(None, &next, None).await, Ok(TransitionOutcome::Applied));
    next
}

async fn stored(orders: &impl Store, order: &Order) -> (Order, usize) {
    let found = orders.get(order.id, None).await.expect("the store responds").expect("an order");
    let notes = orders.notes(order.id, 10, None).await.expect("the store responds").expect("an order");
    (found, notes.items.len())
}

/// The order as it is erased.
fn erased(order: &Order) -> Order {
    let (shipping_address, version) = (order.shipping_address.erased(), order.version + 1);
    Order { shipping_address, tracking: None, version, ..order.clone() }
}

pub async fn final_orders_of_an_erased_customer_name_nobody(fixture: &Fixture<impl Store>) {
    let (orders, owner) = (fixture.port(), UserId(fresh()));
    let delivered = an_order(orders, owner, Status::Delivered).await;
    let cancelled = an_order(orders, owner, Status::Cancelled).await;
    let open = an_order(orders, owner, Status::Processing).await;
    let others = an_order(orders, UserId(fresh()), Status::Delivered).await;
    orders.erase_customer(claim(), owner, now()).await.expect("erased");
    assert_eq!(stored(orders, &delivered).await, (erased(&delivered), 0));
    assert_eq!(stored(orders, &cancelled).await, (erased(&cancelled), 0));
    assert_eq!(stored(orders, &open).await, (open, 1));
    assert_eq!(stored(orders, &others).await, (others, 1));
}

pub async fn open_order_is_erased_once_it_is_final(fixture: &Fixture<impl Store>) {
    let (orders, owner) = (fixture.port(), UserId(fresh()));
    let open = an_order(orders, owner, Status::Processing).await;
    orders.erase_customer(claim(), owner, now()).await.expect("erased");
    assert_eq!(orders.erase_due(later(60)).await, Ok(DueErasures { erased: 0, open: 1 }));
    let delivered = advance(orders, &open, Status::Delivered).await;
    assert_eq!(orders.erase_due(later(120)).await, Ok(DueErasures { erased: 1, open: 1 }));
    assert_eq!(stored(orders, &open).await, (erased(&delivered), 0));
    // A token of the customer may have placed an order on the day of the erasure.
    let late = an_order(orders, owner, Status::Cancelled).await;
    assert_eq!(orders.erase_due(later(DAY_S + 60)).await, Ok(DueErasures { erased: 1, open: 0 }));
    assert_eq!(stored(orders, &late).await, (erased(&late), 0));
    assert_eq!(orders.erase_due(later(2 * DAY_S)).await, Ok(DueErasures { erased: 0, open: 0 }));
}

pub async fn shipped_order_is_erased_after_its_days(fixture: &Fixture<impl Store>) {
    let (orders, owner) = (fixture.port(), UserId(fresh()));
    let shipped = an_order(orders, owner, Status::Shipped).await;
    orders.erase_customer(claim(), owner, now()).await.expect("erased");
    let after = |days: i64| -> Timestamp { later(days * DAY_S) };
    assert_eq!(orders.erase_due(after(SHIPPED_DAYS - 1)).await, Ok(DueErasures { erased: 0, open: 1 }));
    assert_eq!(orders.erase_due(after(SHIPPED_DAYS + 1)).await, Ok(DueErasures { erased: 1, open: 0 }));
    assert_eq!(stored(orders, &shipped).await, (erased(&shipped), 0));
}

pub async fn transition_from_before_the_erasure_conflicts(fixture: &Fixture<impl Store>) {
    let (orders, owner) = (fixture.port(), UserId(fresh()));
    let cancelled = an_order(orders, owner, Status::Cancelled).await;
    orders.erase_customer(claim(), owner, now()).await.expect("erased");
    let next = Order { version: cancelled.version + 1, payment_version: 7, ..cancelled.clone() };
    let event = an_event(OrderDelivered { order_id: next.id, user_id: owner });
    assert_eq!(orders.advance(None, &next, Some(&event)).await, Ok(TransitionOutcome::VersionConflict));
    assert_eq!(stored(orders, &cancelled).await, (erased(&cancelled), 0));
}

pub async fn erasure_that_is_repeated_changes_nothing(fixture: &Fixture<impl Store>) {
    let (orders, owner, first) = (fixture.port(), UserId(fresh()), claim());
    let cancelled = an_order(orders, owner, Status::Cancelled).await;
    for claim in [first, first, claim()] {
        orders.erase_customer(claim, owner, now()).await.expect("erased");
        assert_eq!(stored(orders, &cancelled).await, (erased(&cancelled), 0));
    }
}
