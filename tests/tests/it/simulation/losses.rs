//! One message that is lost for good, in turn for each message of a run: without a dead letter, and nobody sends it again.

use super::{backend::Memory, commands::Plan, on_all_cores, rules::rule, run, world::World};
use crate::simulation::rules::Violation;
use domain::order::Reason;
use std::collections::BTreeSet;
use testkit::build;

fn with_loss(plan: Plan, lost: Option<usize>, audits: bool) -> (World<Memory>, Result<(), Violation>) {
    run::with_loss(Memory::new(), build::noon(), plan, lost, audits)
}

/// No order gives up: what was lost arrives before an order is cancelled because it has waited for too long.
fn no_order_gave_up(world: &World<Memory>) -> Result<(), Violation> {
    let gave_up = |reason| matches!(reason, Some(Reason::TimedOut | Reason::PaymentUnreachable));
    let given_up: Vec<_> = world.seen.orders.iter().filter(|order| gave_up(order.reason)).collect();
    rule!(given_up.is_empty(), "orders that gave up: {given_up:?}");
    Ok(())
}

/// Loses each message of a run of `plan` in turn. Returns the number of messages, and what does not heal.
fn losses_that_do_not_heal(plan: &Plan, audits: bool) -> (usize, BTreeSet<String>) {
    let (whole, outcome) = with_loss(plan.clone(), None, true);
    outcome.unwrap_or_else(|violation| panic!("without a loss: {violation}"));
    let messages = whole.deliveries;
    let outcomes = on_all_cores(1..messages as u64 + 1, |take, failed| {
        while let Some(number) = take() {
            let (world, outcome) = with_loss(plan.clone(), Some(usize::try_from(number).expect("few")), audits);
            if let Err(violation) = outcome.and_then(|()| no_order_gave_up(&world)) {
                let (event, to) = world.loss.expect("a message was lost");
                failed.push(format!("{event} to {to}: {violation}"));
            }
        }
        None
    });
    (messages, outcomes.unwrap_or_default().into_iter().collect())
}

#[test]
fn any_one_lost_message_heals_by_itself() {
    for plan in [Plan::usual(), Plan::full()] {
        let (messages, unhealed) = losses_that_do_not_heal(&plan, true);
        eprintln!("{messages} messages were lost, one in each run");
        let lines: Vec<&str> = unhealed.iter().map(String::as_str).collect();
        assert!(unhealed.is_empty(), "not healed:\n{}", lines.join("\n"));
    }
}

#[test]
fn loss_stays_for_good_if_nobody_looks_for_it() {
    let (_, unhealed) = losses_that_do_not_heal(&Plan::full(), false);
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
        assert!(unhealed.iter().any(|one| one.starts_with(&loss)), "{loss} heals");
    }
}

/// Every consumer records what it handles: an audit that asks again for what was done would never end.
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
