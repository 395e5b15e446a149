//! The runs of payment-reconcile: which payments they reach, and what they do in time.

use super::{
    lost_responses::{close_all, put_many},
    *,
};
use domain::id::{OrderId, PaymentId};
use serde_json::Value;
use testkit::InjectedFault;

/// A run of four minutes that begins `seconds` after the time of the samples, while each request to the gateway takes `delay_s`.
async fn slow_run(platform: &Platform, seconds: u64, delay_s: u64) -> Value {
    let start = sample_time() + Duration::from_secs(seconds);
    let clock = Clock::at(start, seconds).until(start + Duration::from_secs(240));
    let passing = clock.clone();
    platform.faults().intercept(move |dependency, _| {
        if dependency == Dependency::Gateway {
            passing.advance(Duration::from_secs(delay_s));
        }
        InjectedFault::default()
    });
    let handler = async |tick| payment_reconcile::handle(&platform.payments(), &platform.gateway(), tick).await;
    let event = sample(catalog::PAYMENT_RECONCILE, "ok");
    let summary = edge::schedule::tick(catalog::PAYMENT_RECONCILE.name, event, &clock, &handler).await;
    platform.faults().restore_all();
    summary.expect("a summary")
}

/// The numbers of the payments of `put_many` that were requested again.
fn retried(platform: &Platform) -> Vec<usize> {
    (1..).zip(platform.payments().all()).filter(|(_, payment)| payment.version > 1).map(|(number, _)| number).collect()
}

#[tokio::test]
async fn payment_reconcile_reaches_a_payment_behind_a_thousand_without_a_result() {
    let platform = seeded_platform();
    put_many(&platform, 1_000);
    let at = sample_time() + Duration::from_secs(1_001);
    let (id, order_id) = (PaymentId(Uuid::from_u128(1_001)), OrderId(Uuid::from_u128(1_001)));
    let charged = Payment { id, order_id, attempted_at: at, created_at: at, ..pending_payment("pm_card_visa") };
    platform.payments().put(&charged);
    platform.gateway().charge(&charged).await.expect("charged");
    let first = reconcile(&platform, 2_000, "ok").await;
    assert_eq!((&first["unresolved"], &first["resolved"]), (&1_000.into(), &0.into()), "{first}");
    let second = reconcile(&platform, 2_300, "ok").await;
    assert_eq!((&second["unresolved"], &second["resolved"]), (&1_000.into(), &1.into()), "{second}");
}

#[tokio::test]
async fn payments_that_stop_a_run_are_not_the_first_of_the_next() {
    let platform = seeded_platform();
    put_many(&platform, 4);
    let run = async |seconds| {
        let clock = Clock::at(sample_time() + Duration::from_secs(seconds), seconds);
        let handler = async |tick| payment_reconcile::handle(&platform.payments(), &platform.gateway(), tick).await;
        let event = sample(catalog::PAYMENT_RECONCILE, "ok");
        edge::schedule::tick(catalog::PAYMENT_RECONCILE.name, event, &clock, &handler).await
    };
    platform.faults().fail(Dependency::Gateway, Occurrence::First(3), FaultPoint::Before);
    run(700).await.expect_err("the gateway is unreachable");
    platform.faults().restore_all();
    run(720).await.expect("a summary");
    assert_eq!(retried(&platform), [4]);
}

#[tokio::test]
async fn payment_reconcile_reports_in_time_and_the_next_run_continues() {
    let platform = seeded_platform();
    put_many(&platform, 8);
    let first = slow_run(&platform, 700, 50).await;
    assert_eq!((&first["unresolved"], &first["awaiting_approval"]), (&4.into(), &0.into()), "{first}");
    assert_eq!(retried(&platform), [1, 2, 3, 4]);
    slow_run(&platform, 1_000, 50).await;
    assert_eq!(retried(&platform), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn payment_that_needs_the_list_of_charges_comes_first_when_there_is_time_for_it() {
    let platform = seeded_platform();
    put_many(&platform, 3);
    for payment in platform.payments().all() {
        platform.gateway().charge(&payment).await.expect("charged");
    }
    close_all(&platform);
    platform.gateway().delay_search(true);
    // Search, withdrawal and list of the first payment; search and withdrawal of the second, after which no list fits in.
    let first = slow_run(&platform, 700, 40).await;
    assert_eq!((&first["resolved"], &first["pending"]), (&1.into(), &1.into()), "{first}");
    assert_eq!(platform.gateway().list_count(), 1);
    let second = slow_run(&platform, 701, 40).await;
    assert_eq!((&second["resolved"], &second["pending"]), (&1.into(), &1.into()), "{second}");
    let left: Vec<_> = platform.payments().all().iter().map(Payment::is_open).collect();
    assert_eq!(left, [false, false, true], "in the order in which they became due");
}
