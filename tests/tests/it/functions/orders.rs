//! Orders that are cancelled, shipped, listed for staff, or stuck.

use super::{
    ORDER, PAYMENT, USER, assert_all_samples_run, clock, confirmed, http::assert_responses, placed, sample,
    sample_time, seeded_platform,
};
use domain::{
    Event,
    id::{OrderId, UserId},
    order::{Order, PENDING_TIMEOUT_SECONDS, Reason, Status},
};
use edge::{Clock, testing::CapturedLogs};
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Claim, DueErasures, OrderErasure, OrderStore, Page, PlacementConditions, TimeCursor, TransitionOutcome};
use std::{cell::Cell, collections::BTreeMap, time::Duration};
use testkit::{Access, InjectedFault, Platform};

fn with_confirmed() -> Platform {
    let platform = seeded_platform();
    platform.orders().put(&confirmed().0);
    platform
}

#[tokio::test]
async fn order_cancel_cancels_once_for_the_owner_and_staff() {
    let expected = [
        ("ok", 202, "", ""),
        ("ok_staff", 202, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("bad_not_owner", 404, "not-found", ""),
        ("bad_unknown", 404, "not-found", ""),
    ];
    let platform = with_confirmed();
    assert_responses(catalog::ORDER_CANCEL, &expected, async |_, call| {
        order_cancel::handle(&platform.orders(), call).await
    })
    .await;
    let order = &platform.orders().all()[0];
    assert_eq!((order.status, order.reason), (Status::Cancelled, Some(Reason::CustomerRequest)));
    assert_eq!(platform.bus().published().len(), 1, "a repeated cancellation changes nothing");
    let by_staff = with_confirmed();
    let handler = async |call| order_cancel::handle(&by_staff.orders(), call).await;
    let route =
        adapters::Wiring::new(catalog::ORDER_CANCEL, adapters::config::Config::from_vars([])).route().expect("a route");
    edge::http::respond(&route, sample(catalog::ORDER_CANCEL, "ok_staff"), &clock(), &handler).await;
    assert_eq!(by_staff.orders().all()[0].reason, Some(Reason::StaffRequest));
}

#[tokio::test]
async fn order_cancel_requires_the_expected_version() {
    let platform = with_confirmed();
    let route =
        adapters::Wiring::new(catalog::ORDER_CANCEL, adapters::config::Config::from_vars([])).route().expect("a route");
    let mut states = Vec::new();
    for version in [2, 3, 3] {
        let mut event = sample(catalog::ORDER_CANCEL, "ok");
        event["headers"]["if-match"] = format!("\"{version}\"").into();
        let handler = async |call| order_cancel::handle(&platform.orders(), call).await;
        let response = edge::http::respond(&route, event, &clock(), &handler).await;
        states.push((response["statusCode"].as_u64(), platform.orders().all()[0].status));
    }
    let cancelled = (Some(202), Status::Cancelled);
    assert_eq!(states, [(Some(412), Status::Processing), cancelled, cancelled], "a repeated cancellation succeeds");
}

#[tokio::test]
async fn order_status_update_requires_the_expected_version() {
    let expected = [
        ("remove /headers/if-match", 428, "if-match-missing", ""),
        ("bad_stale", 412, "precondition-failed", ""),
        (
            r#"set /body/status = "delivered"; remove /body/carrier; remove /body/tracking_number"#,
            409,
            "transition-forbidden",
            "",
        ),
        (
            r#"set /body/status = "pending"; remove /body/carrier; remove /body/tracking_number"#,
            422,
            "validation",
            "/status",
        ),
        (
            r#"set /body/status = "cancelled"; set /body/reason = "timed_out"; remove /body/carrier; remove /body/tracking_number"#,
            422,
            "validation",
            "/reason",
        ),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"remove /body/carrier"#, 422, "validation", "/carrier"),
        (r#"set /body/status = "delivered""#, 422, "validation", "/carrier"),
        ("ok", 200, "", ""),
        ("ok_cancelled", 412, "precondition-failed", ""),
    ];
    let platform = with_confirmed();
    assert_eq!(platform.orders().all()[0].version, 3, "the version that the samples name");
    assert_responses(catalog::ORDER_STATUS_UPDATE, &expected, async |_, call| {
        order_status_update::handle(&platform.orders(), call).await
    })
    .await;
    let order = &platform.orders().all()[0];
    let tracking = order.tracking.as_ref().map(|tracking| (tracking.carrier.as_str(), tracking.number.as_str()));
    assert_eq!((order.status, tracking), (Status::Shipped, Some(("DHL", "00340434 1611"))));
    let [event] = &platform.bus().published()[..] else { panic!("one event") };
    assert!(matches!(&event.event, domain::DomainEvent::OrderShipped(shipped) if shipped.tracking == order.tracking));
}

#[tokio::test]
async fn order_status_update_cancels_with_the_given_reason() {
    let platform = with_confirmed();
    let handler = async |call| order_status_update::handle(&platform.orders(), call).await;
    let row = catalog::ORDER_STATUS_UPDATE;
    let route = adapters::Wiring::new(row, adapters::config::Config::from_vars([])).route().expect("a route");
    let response = edge::http::respond(&route, sample(row, "ok_cancelled"), &clock(), &handler).await;
    assert_eq!(response["statusCode"], 200, "{response}");
    let order = &platform.orders().all()[0];
    assert_eq!((order.status, order.reason), (Status::Cancelled, Some(Reason::CustomerRequest)));
}

#[tokio::test]
async fn order_list_user_shows_orders_to_the_customer_and_staff() {
    let expected = [
        ("ok", 200, "", ""),
        ("ok_own", 200, "", ""),
        ("bad_not_owner", 404, "not-found", ""),
        ("bad_not_an_id", 404, "not-found", ""),
    ];
    let platform = with_confirmed();
    assert_responses(catalog::ORDER_LIST_USER, &expected, async |case, call| {
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
async fn order_sweep_cancels_orders_stuck_for_two_hours_only() {
    assert_all_samples_run(catalog::ORDER_SWEEP, &["ok", "bad_not_a_schedule"]);
    for (case, seconds, status) in [
        ("ok", PENDING_TIMEOUT_SECONDS - 1, Status::Pending),
        ("ok", PENDING_TIMEOUT_SECONDS + 1, Status::Cancelled),
        // The function sweeps whatever its input is.
        ("bad_not_a_schedule", PENDING_TIMEOUT_SECONDS + 1, Status::Cancelled),
    ] {
        let platform = seeded_platform();
        platform.orders().put(&placed());
        let clock = Clock::at(sample_time() + Duration::from_secs(seconds.unsigned_abs()), 7);
        let handler = async |tick| order_sweep::handle(&platform.orders(), &platform.orders(), tick).await;
        let name = catalog::ORDER_SWEEP.name;
        let response = edge::schedule::tick(name, sample(catalog::ORDER_SWEEP, case), &clock, &handler).await;
        assert_eq!(
            response.expect("a summary")["cancelled"],
            u32::from(status == Status::Cancelled),
            "{case} {seconds}"
        );
        let order = &platform.orders().all()[0];
        assert_eq!(order.status, status, "{case} {seconds}");
        assert_eq!(
            order.reason,
            Some(if status == Status::Pending { Reason::AwaitingStock } else { Reason::TimedOut })
        );
    }
}

#[tokio::test]
async fn confirmed_order_is_never_stuck() {
    let platform = with_confirmed();
    assert_eq!(platform.orders().all()[0].payment_id, Some(PAYMENT));
    let clock = Clock::at(sample_time() + Duration::from_secs(30 * 24 * 3600), 7);
    let handler = async |tick| order_sweep::handle(&platform.orders(), &platform.orders(), tick).await;
    let event = sample(catalog::ORDER_SWEEP, "ok");
    let response = edge::schedule::tick(catalog::ORDER_SWEEP.name, event, &clock, &handler).await;
    assert_eq!(response.expect("a summary")["cancelled"], 0);
}

/// Orders of which some cannot change.
struct FailingOrder {
    orders: testkit::Orders,
    which: Vec<OrderId>,
    failure: Failure,
}

impl OrderStore for FailingOrder {
    async fn place(
        &self,
        _: &Order,
        _: &IdempotencyKey,
        _: &StoredReply,
        _: &Event,
        _: &PlacementConditions<'_>,
    ) -> Result<IdempotencyOutcome, Failure> {
        unreachable!("a sweep places nothing")
    }

    async fn store_response(&self, _: &IdempotencyKey, _: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        unreachable!("a sweep stores no rejection")
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
        if self.which.contains(&order.id) {
            return Err(self.failure.clone());
        }
        self.orders.advance(claim, order, event).await
    }

    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<Vec<Order>, Failure> {
        self.orders.stuck(before, limit, after).await
    }

    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure> {
        self.orders.pending().await
    }
}

/// Counts how often due orders are erased.
#[derive(Default)]
struct CountedErasures {
    runs: Cell<u32>,
}

impl OrderErasure for CountedErasures {
    async fn erase_customer(&self, _: Claim, _: UserId, _: Timestamp) -> Result<(), Failure> {
        unreachable!("a sweep erases no other customer")
    }

    async fn erase_due(&self, _: Timestamp) -> Result<DueErasures, Failure> {
        self.runs.set(self.runs.get() + 1);
        Ok(DueErasures { erased: 0, open: 0 })
    }
}

#[tokio::test]
async fn order_sweep_stops_in_time_and_the_next_run_continues() {
    let platform = seeded_platform();
    for n in 0..20 {
        platform.orders().put(&Order { id: OrderId(Uuid::from_u128(n)), ..placed() });
    }
    let run = async |seconds: u64| {
        let start = sample_time() + Duration::from_secs(3 * 3600 + seconds);
        let clock = Clock::at(start, seconds).until(start + Duration::from_secs(50));
        let passing = clock.clone();
        platform.faults().intercept(move |_, access| {
            passing.advance(Duration::from_secs(if access == Access::Write { 4 } else { 0 }));
            InjectedFault::default()
        });
        let handler = async |tick| order_sweep::handle(&platform.orders(), &platform.orders(), tick).await;
        let event = sample(catalog::ORDER_SWEEP, "ok");
        let summary = edge::schedule::tick(catalog::ORDER_SWEEP.name, event, &clock, &handler).await;
        assert!(clock.remaining() > Some(Duration::ZERO), "it would have been stopped");
        summary.expect("a summary")["cancelled"].as_u64().expect("a count")
    };
    let first = run(0).await;
    let second = run(300).await;
    assert!(first > 0 && second > 0 && first + second < 20, "{first}, {second}");
}

#[tokio::test]
async fn order_sweep_skips_failing_orders_and_stops_on_a_database_outage() {
    for (failure, failing, cancelled) in [
        (Failure::internal("a row that cannot be decoded"), 1, 150),
        (Failure::new(FailureKind::Conflict, "invalid-order-transition", ""), 1, 150),
        (Failure::unavailable("database", "the row is locked"), 2, 149),
        (Failure::unavailable("database", "unreachable"), 151, 0),
    ] {
        let platform = seeded_platform();
        let order = placed();
        platform.orders().put(&order);
        for n in 0..150 {
            let created_at = order.created_at + Duration::from_secs(1 + n);
            platform.orders().put(&Order { id: OrderId(Uuid::from_u128(n.into())), created_at, ..order.clone() });
        }
        let oldest = platform.orders().stuck(sample_time() + Duration::from_secs(3600), failing, None).await;
        let which: Vec<OrderId> = oldest.expect("orders").iter().map(|order| order.id).collect();
        let spoilt = FailingOrder { orders: platform.orders(), which: which.clone(), failure };
        let erasures = CountedErasures::default();
        let clock = Clock::at(sample_time() + Duration::from_secs(3 * 3600), 7);
        let handler = async |tick| order_sweep::handle(&spoilt, &erasures, tick).await;
        let event = sample(catalog::ORDER_SWEEP, "ok");
        let logs = CapturedLogs::begin();
        let response = edge::schedule::tick(catalog::ORDER_SWEEP.name, event, &clock, &handler).await;
        assert_eq!(response.is_ok(), cancelled > 0);
        let all = platform.orders().all();
        let found = all.iter().filter(|order| order.status == Status::Cancelled).count();
        assert_eq!(found, cancelled, "{response:?}");
        let logged = logs.with_message("sweep of an order failed");
        let named: Vec<_> = logged.iter().filter_map(|line| line["failure.item"].as_str()).collect();
        let skipped = if response.is_ok() { &which[..] } else { &which[..2] };
        let expected: Vec<String> = skipped.iter().map(ToString::to_string).collect();
        assert_eq!(named, expected, "the orders that are skipped are named");
        assert_eq!(erasures.runs.get(), 1, "erasures do not depend on the orders");
    }
}
