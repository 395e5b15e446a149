//! Contract of [`EventHistory`], with an order store that publishes events.

use super::{Fixture, an_event, fresh, later};
use crate::build::{self, a_reply};
use domain::{id::OrderId, replay::Selection};
use kernel::{FailureKind, IdempotencyKey, Uuid};
use ports::{EventHistory, OrderStore, PlacementConditions, PublishedEvent};

/// An order store, and the history of the events that it publishes.
#[derive(Debug)]
pub struct OrdersAndHistory<S, H> {
    pub orders: S,
    pub history: H,
}

/// Generates one test per rule of [`EventHistory`]. The expression is a future of a
/// `Fixture<OrdersAndHistory<impl OrderStore, impl EventHistory>>` without events.
#[macro_export]
macro_rules! contract_event_history {
    ($fixture:expr) => {
        $crate::each_rule! { event_history, $fixture;
            published_event_is_found_by_type_subject_and_period
            event_that_waits_to_be_published_is_not_found
            event_that_happened_too_long_ago_is_not_found
            pages_of_published_events_neither_overlap_nor_leave_one_out
            malformed_cursor_of_published_events_is_rejected
        }
    };
}

/// Places an order. Returns the ids of the order and of its event.
async fn placed(orders: &impl OrderStore) -> (Uuid, Uuid) {
    let order = build::order().id(OrderId(fresh())).at(later(0));
    let event = an_event(order.order_placed());
    let key = IdempotencyKey { scope: "test".to_owned(), key: fresh().to_string(), fingerprint: String::new() };
    orders.place(&order.placed(), &key, &a_reply("{}"), &event, &PlacementConditions::default()).await.expect("placed");
    (order.placed().id.0, event.id)
}

/// The events of the contract's time and of the clock's.
fn everything() -> Selection {
    Selection {
        consumer: catalog::STOCK_RESERVE.name,
        types: vec![catalog::ORDER_PLACED.name, catalog::STOCK_ADJUSTED.name],
        from: "1970-01-01T00:00:00Z".parse().expect("a time"),
        to: "2099-12-31T00:00:00Z".parse().expect("a time"),
        subject: None,
        policy: catalog::STOCK_RESERVE.replay_policy(),
        happened_from: "1970-01-01T00:00:00Z".parse().expect("a time"),
    }
}

async fn found(history: &impl EventHistory, selection: &Selection) -> Vec<PublishedEvent> {
    history.published(selection, 100, None).await.expect("a page").items
}

pub async fn published_event_is_found_by_type_subject_and_period(
    fixture: &Fixture<OrdersAndHistory<impl OrderStore, impl EventHistory>>,
) {
    let OrdersAndHistory { orders, history } = fixture.port();
    let ((_, other), (_, event)) = (placed(orders).await, placed(orders).await);
    let all = found(history, &everything()).await;
    assert_eq!(all.len(), 2);
    let body: serde_json::Value = serde_json::from_str(&all[0].body).expect("JSON");
    assert_eq!((&body["id"], &body["type"]), (&all[0].id.to_string().into(), &catalog::ORDER_PLACED.name.into()));
    let mut ids: Vec<Uuid> = all.iter().map(|one| one.id).collect();
    ids.sort_unstable();
    let mut expected = vec![other, event];
    expected.sort_unstable();
    assert_eq!(ids, expected);

    let subject = body["subject"].as_str().and_then(|subject| subject.parse().ok());
    let of_subject = found(history, &Selection { subject, ..everything() }).await;
    assert_eq!(of_subject, all[..1]);
    let of_type = Selection { types: vec![catalog::STOCK_ADJUSTED.name], ..everything() };
    assert_eq!(found(history, &of_type).await, []);
    let before = Selection { to: "1970-01-01T00:00:00Z".parse().expect("a time"), ..everything() };
    assert_eq!(found(history, &before).await, []);
}

pub async fn event_that_waits_to_be_published_is_not_found(
    fixture: &Fixture<OrdersAndHistory<impl OrderStore, impl EventHistory>>,
) {
    let OrdersAndHistory { orders, history } = fixture.port();
    fixture.platform.faults().take_down(crate::Dependency::Bus);
    placed(orders).await;
    assert_eq!(found(history, &everything()).await, []);
}

pub async fn event_that_happened_too_long_ago_is_not_found(
    fixture: &Fixture<OrdersAndHistory<impl OrderStore, impl EventHistory>>,
) {
    let OrdersAndHistory { orders, history } = fixture.port();
    // It happens at `later(0)`, and is published again and again as long as a consumer has not handled it.
    placed(orders).await;
    assert_eq!(found(history, &Selection { happened_from: later(0), ..everything() }).await.len(), 1);
    assert_eq!(found(history, &Selection { happened_from: later(1), ..everything() }).await, []);
}

pub async fn pages_of_published_events_neither_overlap_nor_leave_one_out(
    fixture: &Fixture<OrdersAndHistory<impl OrderStore, impl EventHistory>>,
) {
    let OrdersAndHistory { orders, history } = fixture.port();
    for _ in 0..5 {
        placed(orders).await;
    }
    let all = found(history, &everything()).await;
    let (mut paged, mut cursor) = (Vec::new(), None);
    for size in [2, 2, 1] {
        let page = history.published(&everything(), 2, cursor.as_deref()).await.expect("a page");
        assert_eq!(page.items.len(), size);
        paged.extend(page.items);
        cursor = page.next;
    }
    assert_eq!((paged, cursor), (all, None));
}

pub async fn malformed_cursor_of_published_events_is_rejected(
    fixture: &Fixture<OrdersAndHistory<impl OrderStore, impl EventHistory>>,
) {
    let refused = fixture.port().history.published(&everything(), 10, Some("?")).await.expect_err("rejected");
    assert_eq!((refused.kind, refused.fields[0].pointer.as_str()), (FailureKind::Invalid, "?cursor"));
}
