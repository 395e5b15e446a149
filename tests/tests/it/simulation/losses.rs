//! One message that is lost permanently, in turn for each message of a run: without a dead letter, and nobody sends it again.

use super::{backend::Memory, commands::Plan, on_all_cores, rules::rule, run, world::World};
use crate::simulation::rules::Violation;
use domain::order::Reason;
use std::collections::BTreeSet;
use testkit::build;

fn with_loss(plan: Plan, lost: Option<usize>, delivery_checks: bool) -> (World<Memory>, Result<(), Violation>) {
    run::with_loss(Memory::new(), build::noon(), plan, lost, delivery_checks)
}

/// No order was cancelled because it had waited for too long: what was lost is republished before.
fn no_order_was_cancelled(world: &World<Memory>) -> Result<(), Violation> {
    let timed_out = |reason| matches!(reason, Some(Reason::TimedOut | Reason::PaymentUnreachable));
    let cancelled: Vec<_> = world.seen.orders.iter().filter(|order| timed_out(order.reason)).collect();
    rule!(cancelled.is_empty(), "orders that were cancelled: {cancelled:?}");
    Ok(())
}

/// Loses each message of a run of `plan` in turn. Returns the number of messages, and those that are not republished.
fn losses_not_republished(plan: &Plan, delivery_checks: bool) -> (usize, BTreeSet<String>) {
    let (whole, outcome) = with_loss(plan.clone(), None, true);
    outcome.unwrap_or_else(|violation| panic!("without a loss: {violation}"));
    let messages = whole.deliveries;
    let outcomes = on_all_cores(1..messages as u64 + 1, |take, failed| {
        while let Some(number) = take() {
            let (world, outcome) =
                with_loss(plan.clone(), Some(usize::try_from(number).expect("few")), delivery_checks);
            if let Err(violation) = outcome.and_then(|()| no_order_was_cancelled(&world)) {
                let (event, to) = world.loss.expect("a message was lost");
                failed.push(format!("{event} to {to}: {violation}"));
            }
        }
        None
    });
    (messages, outcomes.unwrap_or_default().into_iter().collect())
}

#[test]
fn any_one_lost_message_is_republished() {
    for plan in [Plan::usual(), Plan::full()] {
        let (messages, unpublished) = losses_not_republished(&plan, true);
        eprintln!("{messages} messages were lost, one in each run");
        let lines: Vec<&str> = unpublished.iter().map(String::as_str).collect();
        assert!(unpublished.is_empty(), "not republished:\n{}", lines.join("\n"));
    }
}

#[test]
fn lost_message_is_not_republished_without_audits() {
    let (_, unpublished) = losses_not_republished(&Plan::full(), false);
    for (event, to) in [
        (catalog::ORDER_CANCELLED, catalog::STOCK_RELEASE),
        (catalog::ORDER_CANCELLED, catalog::PAYMENT_CLOSE),
        (catalog::ORDER_SHIPPED, catalog::STOCK_SHIP),
        (catalog::PRODUCT_CREATED, catalog::STOCK_OPEN),
        (catalog::ORDER_CONFIRMED, catalog::INVOICE_ISSUE),
        (catalog::ORDER_CONFIRMED, catalog::UPDATE_SEND),
        (catalog::ORDER_CONFIRMED, catalog::ANALYTICS_FEED),
        (catalog::ORDER_CONFIRMED, catalog::EVENT_FORWARD),
    ] {
        let loss = format!("{} to {}:", event.name, to.name);
        assert!(unpublished.iter().any(|one| one.starts_with(&loss)), "{loss} is republished");
    }
}

/// Every consumer records what it handles: otherwise a delivery check would requeue its events for ever.
#[test]
fn nothing_is_published_twice_if_nothing_is_lost() {
    for plan in [Plan::usual(), Plan::full(), Plan::unverified()] {
        let (world, outcome) = with_loss(plan, None, true);
        outcome.unwrap_or_else(|violation| panic!("{violation}"));
        let published = world.platform.bus().published();
        let ids: BTreeSet<_> = published.iter().map(|event| event.id).collect();
        assert_eq!(published.len(), ids.len());
    }
}
