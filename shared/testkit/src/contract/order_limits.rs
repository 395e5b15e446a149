//! Contract of the limits in the conditions of [`OrderStore::place`].

use super::{Fixture, an_event, fresh, kind_and_code, now};
use crate::build::{self, OrderBuilder, a_reply};
use domain::{
    id::{OrderId, UserId},
    order::{
        DELAY, ORDERS_DELAYED, OrderLimits, Reason, ShortfallPolicy, TOO_MANY_UNPAID_ORDERS, TOO_MANY_UNPAID_UNITS,
    },
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, Timestamp};
use ports::{OrderStore, PlacementConditions};
use std::time::Duration;

/// Generates one test per rule of the limits. The expression is a future of a `Fixture<impl OrderStore>`.
#[macro_export]
macro_rules! contract_order_limits {
    ($fixture:expr) => {
        $crate::each_rule! { order_limits, $fixture;
            unpaid_orders_are_limited_per_customer
            units_of_unpaid_orders_are_limited_per_customer
            paid_and_cancelled_orders_do_not_count
            refused_order_writes_nothing_and_its_key_can_be_used_later
            repeated_request_is_replayed_at_the_limit
            concurrent_orders_never_exceed_the_limit
            concurrent_orders_never_exceed_the_limit_of_units
            orders_are_refused_while_too_many_are_delayed_and_accepted_once_they_proceed
        }
    };
}

const LIMITS: OrderLimits = OrderLimits { lines: 100, unpaid_orders: 3, unpaid_units: 10, delayed_orders: 1_000 };

const CONDITIONS: PlacementConditions<'static> =
    PlacementConditions { prices: &[], fetched: &[], limits: Some(LIMITS) };

fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

/// An order of `units` in two lines.
fn an_order(owner: UserId, units: u32) -> OrderBuilder {
    let order = build::order().id(OrderId(fresh())).owner(owner).at(now());
    if units == 1 { order.line(1, 1) } else { order.line(1, units - 1).line(2, 1) }
}

async fn place(
    orders: &impl OrderStore,
    order: &OrderBuilder,
    key: &IdempotencyKey,
) -> Result<IdempotencyOutcome, Failure> {
    orders.place(&order.placed(), key, &a_reply("{}"), &an_event(order.order_placed()), &CONDITIONS).await
}

async fn placed(orders: &impl OrderStore, owner: UserId, units: u32) -> OrderBuilder {
    let order = an_order(owner, units);
    assert_eq!(place(orders, &order, &a_key()).await, Ok(IdempotencyOutcome::Committed));
    order
}

async fn refused(orders: &impl OrderStore, owner: UserId, units: u32) -> (FailureKind, &'static str) {
    kind_and_code(place(orders, &an_order(owner, units), &a_key()).await)
}

pub async fn unpaid_orders_are_limited_per_customer(fixture: &Fixture<impl OrderStore>) {
    let (orders, owner) = (fixture.port(), UserId(fresh()));
    for _ in 0..3 {
        placed(orders, owner, 1).await;
    }
    assert_eq!(refused(orders, owner, 1).await, (FailureKind::Conflict, TOO_MANY_UNPAID_ORDERS));
    placed(orders, UserId(fresh()), 1).await;
}

pub async fn units_of_unpaid_orders_are_limited_per_customer(fixture: &Fixture<impl OrderStore>) {
    let (orders, owner) = (fixture.port(), UserId(fresh()));
    assert_eq!(refused(orders, owner, 11).await, (FailureKind::Conflict, TOO_MANY_UNPAID_UNITS));
    placed(orders, owner, 6).await;
    assert_eq!(refused(orders, owner, 5).await, (FailureKind::Conflict, TOO_MANY_UNPAID_UNITS));
    placed(orders, owner, 4).await;
    placed(orders, UserId(fresh()), 10).await;
}

pub async fn paid_and_cancelled_orders_do_not_count(fixture: &Fixture<impl OrderStore>) {
    let (orders, owner) = (fixture.port(), UserId(fresh()));
    let paid = placed(orders, owner, 10).await;
    for step in [paid.reserved(), paid.confirmed().0] {
        orders.advance(None, &step, None).await.expect("advanced");
    }
    let waiting = placed(orders, owner, 10).await;
    for step in [waiting.reserved(), waiting.allocation_failed(ShortfallPolicy::Backorder).0] {
        orders.advance(None, &step, None).await.expect("advanced");
    }
    let cancelled = placed(orders, owner, 10).await;
    for step in [cancelled.reserved(), cancelled.cancelled(Reason::CustomerRequest).0] {
        orders.advance(None, &step, None).await.expect("advanced");
    }
    let declined = placed(orders, owner, 9).await;
    for step in [declined.reserved(), declined.declined().0] {
        orders.advance(None, &step, None).await.expect("advanced");
    }
    placed(orders, owner, 1).await;
    assert_eq!(
        refused(orders, owner, 1).await,
        (FailureKind::Conflict, TOO_MANY_UNPAID_UNITS),
        "a declined one counts"
    );
}

pub async fn refused_order_writes_nothing_and_its_key_can_be_used_later(fixture: &Fixture<impl OrderStore>) {
    let (orders, owner, key) = (fixture.port(), UserId(fresh()), a_key());
    let first = placed(orders, owner, 10).await;
    let second = an_order(owner, 2);
    assert!(place(orders, &second, &key).await.is_err());
    assert_eq!(orders.get(second.placed().id, None).await, Ok(None));
    for step in [first.reserved(), first.confirmed().0] {
        orders.advance(None, &step, None).await.expect("advanced");
    }
    assert_eq!(place(orders, &second, &key).await, Ok(IdempotencyOutcome::Committed));
}

pub async fn repeated_request_is_replayed_at_the_limit(fixture: &Fixture<impl OrderStore>) {
    let (owner, key) = (UserId(fresh()), a_key());
    let first = an_order(owner, 10);
    assert_eq!(place(fixture.port(), &first, &key).await, Ok(IdempotencyOutcome::Committed));
    let again = place(fixture.port(), &an_order(owner, 10), &key).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(a_reply("{}"))));
}

pub async fn concurrent_orders_never_exceed_the_limit(fixture: &Fixture<impl OrderStore>) {
    let owner = UserId(fresh());
    let wanted: Vec<_> = (0..12).map(|_| (an_order(owner, 1), a_key())).collect();
    let attempts =
        fixture.concurrent(wanted.len()).zip(&wanted).map(|(orders, (order, key))| place(orders, order, key));
    let outcomes = join_all(attempts).await;
    let is_stored = |outcome: &&Result<_, Failure>| **outcome == Ok(IdempotencyOutcome::Committed);
    assert_eq!(outcomes.iter().filter(is_stored).count(), 3, "{outcomes:?}");
    let page = fixture.port().list(owner, 100, None).await.expect("a page");
    assert_eq!(page.items.len(), 3);
}

pub async fn concurrent_orders_never_exceed_the_limit_of_units(fixture: &Fixture<impl OrderStore>) {
    let owner = UserId(fresh());
    let wanted: Vec<_> = (0..12).map(|_| (an_order(owner, 4), a_key())).collect();
    let attempts =
        fixture.concurrent(wanted.len()).zip(&wanted).map(|(orders, (order, key))| place(orders, order, key));
    let outcomes = join_all(attempts).await;
    for failure in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(failure.code, TOO_MANY_UNPAID_UNITS, "{failure}");
    }
    let page = fixture.port().list(owner, 100, None).await.expect("a page");
    assert_eq!(page.items.len(), 2, "eight units of ten");
}

/// In a year without other orders, since the limit is one of all customers.
pub async fn orders_are_refused_while_too_many_are_delayed_and_accepted_once_they_proceed(
    fixture: &Fixture<impl OrderStore>,
) {
    let (orders, began) = (fixture.port(), Timestamp::UNIX_EPOCH + Duration::from_secs(946_684_800));
    let conditions = PlacementConditions { limits: Some(OrderLimits { delayed_orders: 2, ..LIMITS }), ..CONDITIONS };
    let placed_at = async |at: Timestamp| {
        let order = an_order(UserId(fresh()), 1).at(at);
        let event = an_event(order.order_placed());
        (orders.place(&order.placed(), &a_key(), &a_reply("{}"), &event, &conditions).await, order)
    };
    let (late, too_late) = (began + DELAY - Duration::from_secs(1), began + DELAY);
    let (first, waiting) = placed_at(began).await;
    assert_eq!(first, Ok(IdempotencyOutcome::Committed));
    assert_eq!(placed_at(began).await.0, Ok(IdempotencyOutcome::Committed));
    assert_eq!(placed_at(late).await.0, Ok(IdempotencyOutcome::Committed), "none is delayed yet");
    let refused = placed_at(too_late).await.0.expect_err("two are delayed");
    assert_eq!((refused.kind, refused.code), (FailureKind::Unavailable, ORDERS_DELAYED));
    assert_eq!(refused.retry_after_s, Some(60));
    for step in [waiting.reserved(), waiting.confirmed().0] {
        orders.advance(None, &step, None).await.expect("advanced");
    }
    assert_eq!(placed_at(too_late).await.0, Ok(IdempotencyOutcome::Committed), "one is delayed");
}
