//! Orders that are taken back, shipped, listed for the back office, or stand still.

use super::{
    ORDER, PAYMENT, USER, all_samples_are_named, clock, confirmed, http::answers, moment, placed, sample, shop,
};
use domain::{
    Event,
    id::{OrderId, UserId},
    order::{Order, PENDING_TIMEOUT_SECONDS, Reason, Status},
};
use edge::Clock;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Claim, OrderStore, OutboxCursor, Page, TransitionOutcome};
use std::{collections::BTreeMap, time::Duration};
use testkit::Platform;

fn with_confirmed() -> Platform {
    let platform = shop();
    platform.orders().put(&confirmed().0);
    platform
}

#[tokio::test]
async fn order_cancel_takes_an_order_back_once_for_its_owner_and_the_shop() {
    let expected = [
        ("ok", 202, "", ""),
        ("ok_staff", 202, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("bad_not_owner", 404, "not-found", ""),
        ("bad_unknown", 404, "not-found", ""),
    ];
    let platform = with_confirmed();
    answers(catalog::ORDER_CANCEL, &expected, async |_, call| order_cancel::handle(&platform.orders(), call).await)
        .await;
    let order = &platform.orders().all()[0];
    assert_eq!((order.status, order.reason), (Status::Cancelled, Some(Reason::CustomerRequest)));
    assert_eq!(platform.bus().published().len(), 1, "cancelled once, whoever asks again");
    let by_staff = with_confirmed();
    let handler = async |call| order_cancel::handle(&by_staff.orders(), call).await;
    let route =
        adapters::Wiring::new(catalog::ORDER_CANCEL, adapters::config::Config::from_vars([])).route().expect("a route");
    edge::http::respond(&route, sample(catalog::ORDER_CANCEL, "ok_staff"), &clock(), &handler).await;
    assert_eq!(by_staff.orders().all()[0].reason, Some(Reason::StaffRequest));
}

#[tokio::test]
async fn order_cancel_takes_back_the_version_that_was_looked_at_and_no_other() {
    let platform = with_confirmed();
    let route =
        adapters::Wiring::new(catalog::ORDER_CANCEL, adapters::config::Config::from_vars([])).route().expect("a route");
    let mut stood = Vec::new();
    for version in [2, 3, 3] {
        let mut event = sample(catalog::ORDER_CANCEL, "ok");
        event["headers"]["if-match"] = format!("\"{version}\"").into();
        let handler = async |call| order_cancel::handle(&platform.orders(), call).await;
        let answer = edge::http::respond(&route, event, &clock(), &handler).await;
        stood.push((answer["statusCode"].as_u64(), platform.orders().all()[0].status));
    }
    let cancelled = (Some(202), Status::Cancelled);
    assert_eq!(stood, [(Some(412), Status::Processing), cancelled, cancelled], "again, it is what was asked for");
}

#[tokio::test]
async fn order_status_update_moves_an_order_on_from_the_version_that_was_looked_at() {
    let expected = [
        ("bad_no_if_match", 428, "if-match-missing", ""),
        ("bad_stale", 412, "precondition-failed", ""),
        ("bad_transition", 409, "transition-forbidden", ""),
        ("bad_status", 422, "validation", "/status"),
        ("bad_reason", 422, "validation", "/reason"),
        ("bad_customer", 403, "forbidden", ""),
        ("ok", 200, "", ""),
        ("ok_cancelled", 412, "precondition-failed", ""),
    ];
    let platform = with_confirmed();
    assert_eq!(platform.orders().all()[0].version, 3, "the version that the samples name");
    answers(catalog::ORDER_STATUS_UPDATE, &expected, async |_, call| {
        order_status_update::handle(&platform.orders(), call).await
    })
    .await;
    assert_eq!(platform.orders().all()[0].status, Status::Shipped);
    assert_eq!(platform.bus().published().len(), 1);
}

#[tokio::test]
async fn order_status_update_cancels_with_the_reason_that_staff_names() {
    let platform = with_confirmed();
    let handler = async |call| order_status_update::handle(&platform.orders(), call).await;
    let row = catalog::ORDER_STATUS_UPDATE;
    let route = adapters::Wiring::new(row, adapters::config::Config::from_vars([])).route().expect("a route");
    let answer = edge::http::respond(&route, sample(row, "ok_cancelled"), &clock(), &handler).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let order = &platform.orders().all()[0];
    assert_eq!((order.status, order.reason), (Status::Cancelled, Some(Reason::CustomerRequest)));
}

#[tokio::test]
async fn order_list_user_shows_a_customers_orders_to_the_customer_and_the_shop() {
    let expected = [
        ("ok", 200, "", ""),
        ("ok_own", 200, "", ""),
        ("bad_not_owner", 404, "not-found", ""),
        ("bad_not_an_id", 404, "not-found", ""),
    ];
    let platform = with_confirmed();
    answers(catalog::ORDER_LIST_USER, &expected, async |case, call| {
        let reply = order_list_user::handle(&platform.orders(), call).await;
        if case.starts_with("ok") {
            let listed = reply.as_ref().ok().and_then(|reply| reply.to_stored().ok()).expect("a reply").body;
            assert!(listed.contains(&ORDER.to_string()) && listed.contains(&USER.to_string()), "{case}: {listed}");
        }
        reply
    })
    .await;
}

#[tokio::test]
async fn order_sweep_undoes_what_stands_still_for_two_hours_and_nothing_else() {
    all_samples_are_named(catalog::ORDER_SWEEP, &["ok", "bad_not_a_schedule"]);
    for (case, seconds, status) in [
        ("ok", PENDING_TIMEOUT_SECONDS - 1, Status::Pending),
        ("ok", PENDING_TIMEOUT_SECONDS + 1, Status::Cancelled),
        // Whatever calls it by name, and with whatever, means a sweep.
        ("bad_not_a_schedule", PENDING_TIMEOUT_SECONDS + 1, Status::Cancelled),
    ] {
        let platform = shop();
        platform.orders().put(&placed());
        let clock = Clock::at(moment() + Duration::from_secs(seconds.unsigned_abs()), 7);
        let handler = async |tick| order_sweep::handle(&platform.orders(), tick).await;
        let name = catalog::ORDER_SWEEP.name;
        let answer = edge::schedule::tick(name, sample(catalog::ORDER_SWEEP, case), &clock, &handler).await;
        assert_eq!(answer.expect("a summary")["cancelled"], u32::from(status == Status::Cancelled), "{case} {seconds}");
        let order = &platform.orders().all()[0];
        assert_eq!(order.status, status, "{case} {seconds}");
        assert_eq!(
            order.reason,
            Some(if status == Status::Pending { Reason::AwaitingStock } else { Reason::TimedOut })
        );
    }
}

#[tokio::test]
async fn a_confirmed_order_never_stands_still() {
    let platform = with_confirmed();
    assert_eq!(platform.orders().all()[0].payment_id, Some(PAYMENT));
    let clock = Clock::at(moment() + Duration::from_secs(30 * 24 * 3600), 7);
    let handler = async |tick| order_sweep::handle(&platform.orders(), tick).await;
    let event = sample(catalog::ORDER_SWEEP, "ok");
    let answer = edge::schedule::tick(catalog::ORDER_SWEEP.name, event, &clock, &handler).await;
    assert_eq!(answer.expect("a summary")["cancelled"], 0);
}

/// Orders, of which one cannot be moved.
struct Spoilt {
    orders: testkit::Orders,
    which: OrderId,
    failure: Failure,
}

impl OrderStore for Spoilt {
    async fn place(
        &self,
        _: &Order,
        _: &IdempotencyKey,
        _: &StoredReply,
        _: &Event,
    ) -> Result<IdempotencyOutcome, Failure> {
        unreachable!("a sweep places nothing")
    }

    async fn store_rejection(&self, _: &IdempotencyKey, _: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        unreachable!("a sweep refuses nothing")
    }

    async fn find_response(&self, _: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        unreachable!("a sweep answers nobody")
    }

    async fn get(&self, id: OrderId, owner: Option<UserId>) -> Result<Option<Order>, Failure> {
        self.orders.get(id, owner).await
    }

    async fn list(&self, _: UserId, _: u32, _: Option<&str>) -> Result<Page<Order>, Failure> {
        unreachable!("a sweep lists nothing")
    }

    async fn advance(
        &self,
        claim: Option<Claim>,
        order: &Order,
        event: Option<&Event>,
    ) -> Result<TransitionOutcome, Failure> {
        if order.id == self.which {
            return Err(self.failure.clone());
        }
        self.orders.advance(claim, order, event).await
    }

    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<Vec<Order>, Failure> {
        self.orders.stuck(before, limit, after).await
    }

    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure> {
        self.orders.pending().await
    }
}

#[tokio::test]
async fn order_sweep_comes_past_an_order_that_it_cannot_undo_and_ends_where_the_database_is_away() {
    for (failure, undone) in [
        (Failure::internal("a row that is not what it was"), 150),
        (Failure::new(FailureKind::Conflict, "invalid-order-transition", ""), 150),
        (Failure::unavailable("database", "away"), 0),
    ] {
        let platform = shop();
        let order = placed();
        platform.orders().put(&order);
        for n in 0..150 {
            let created_at = order.created_at + Duration::from_secs(1 + n);
            platform.orders().put(&Order { id: OrderId(Uuid::from_u128(n.into())), created_at, ..order.clone() });
        }
        let spoilt = Spoilt { orders: platform.orders(), which: order.id, failure };
        let clock = Clock::at(moment() + Duration::from_secs(3 * 3600), 7);
        let handler = async |tick| order_sweep::handle(&spoilt, tick).await;
        let event = sample(catalog::ORDER_SWEEP, "ok");
        let answer = edge::schedule::tick(catalog::ORDER_SWEEP.name, event, &clock, &handler).await;
        assert_eq!(answer.is_ok(), undone > 0);
        let cancelled = platform.orders().all().iter().filter(|order| order.status == Status::Cancelled).count();
        assert_eq!(cancelled, undone, "{answer:?}");
    }
}
