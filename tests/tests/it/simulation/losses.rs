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

/// The event whose message was lost was published again, if deliveries are checked.
fn was_republished(world: &World<Memory>) -> Result<(), Violation> {
    let published = world.platform.bus().published();
    let ids: BTreeSet<_> = published.iter().map(|event| event.id).collect();
    rule!(!world.delivery_checks || published.len() > ids.len(), "no event was published again");
    Ok(())
}

/// The runs of one plan, each with another message lost.
#[derive(Debug, Default)]
struct Losses {
    messages: usize,
    /// The functions that a message was lost for.
    consumers: BTreeSet<&'static str>,
    /// What is not republished, and the rule that it violates.
    not_republished: BTreeSet<String>,
}

/// Loses each message of a run of `plan` in turn.
fn losses(plan: &Plan, delivery_checks: bool) -> Losses {
    let (whole, outcome) = with_loss(plan.clone(), None, true);
    outcome.unwrap_or_else(|violation| panic!("without a loss: {violation}"));
    let messages = whole.deliveries;
    let outcomes = on_all_cores(1..messages as u64 + 1, |take, all| {
        while let Some(number) = take() {
            let (world, outcome) =
                with_loss(plan.clone(), Some(usize::try_from(number).expect("few")), delivery_checks);
            let (event, to) = world.loss.expect("a message was lost");
            let outcome = outcome.and_then(|()| no_order_was_cancelled(&world));
            let failed = outcome.and_then(|()| was_republished(&world)).err();
            all.push((to, failed.map(|violation| format!("{event} to {to}: {violation}"))));
        }
        None
    });
    let mut losses = Losses { messages, ..Losses::default() };
    for (to, failed) in outcomes.unwrap_or_default() {
        losses.consumers.insert(to);
        losses.not_republished.extend(failed);
    }
    losses
}

#[test]
fn any_one_lost_message_is_republished_whichever_consumer_it_is_for() {
    let mut consumers = BTreeSet::new();
    for plan in [Plan::usual(), Plan::full(), Plan::account()] {
        let losses = losses(&plan, true);
        eprintln!("{} messages were lost, one in each run", losses.messages);
        let lines: Vec<&str> = losses.not_republished.iter().map(String::as_str).collect();
        assert!(lines.is_empty(), "not republished:\n{}", lines.join("\n"));
        consumers.extend(losses.consumers);
    }
    let all = catalog::FUNCTIONS.iter().filter(|function| function.keeps_inbox()).map(|function| function.name);
    assert_eq!(consumers, all.collect::<BTreeSet<_>>());
}

#[test]
fn lost_message_is_not_republished_without_audits() {
    let (full, account) = (losses(&Plan::full(), false), losses(&Plan::account(), false));
    let unpublished = full.not_republished.union(&account.not_republished).collect::<BTreeSet<_>>();
    for (event, to) in [
        (catalog::ORDER_CANCELLED, catalog::STOCK_RELEASE),
        (catalog::ORDER_CANCELLED, catalog::PAYMENT_CLOSE),
        (catalog::ORDER_SHIPPED, catalog::STOCK_SHIP),
        (catalog::PRODUCT_CREATED, catalog::STOCK_OPEN),
        (catalog::ORDER_CONFIRMED, catalog::INVOICE_ISSUE),
        (catalog::ORDER_CONFIRMED, catalog::UPDATE_SEND),
        (catalog::ORDER_CONFIRMED, catalog::ANALYTICS_FEED),
        (catalog::ORDER_CONFIRMED, catalog::EVENT_FORWARD),
        (catalog::ORDER_CONFIRMED, catalog::WEBHOOK_ENQUEUE),
        (catalog::NOTIFICATION_REQUESTED, catalog::MESSAGE_SEND),
    ] {
        let loss = format!("{} to {}:", event.name, to.name);
        assert!(unpublished.iter().any(|one| one.starts_with(&loss)), "{loss} is republished");
    }
}

/// Every consumer records what it handles: otherwise a delivery check would requeue its events for ever.
#[test]
fn nothing_is_published_twice_if_nothing_is_lost() {
    for plan in [Plan::usual(), Plan::full(), Plan::unverified(), Plan::account()] {
        let (world, outcome) = with_loss(plan, None, true);
        outcome.unwrap_or_else(|violation| panic!("{violation}"));
        let published = world.platform.bus().published();
        let ids: BTreeSet<_> = published.iter().map(|event| event.id).collect();
        assert_eq!(published.len(), ids.len());
    }
}
