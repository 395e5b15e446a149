//! How long an order may stay in a state that nobody's decision ends, once nothing fails any more.

use super::{Violation, rule};
use crate::simulation::{backend::Backend, world::World};
use domain::order::{PENDING_TIMEOUT_SECONDS, State};

/// Two messages one after another wait for their longest backoff, and their events for a sweep of the outbox. What a process held that died
/// waits for the visibility timeout instead, which is shorter.
const STOCK_SECONDS: i64 = 40 * 60;
/// The longest backoff.
const BACKOFF_SECONDS: u32 = 900;
/// `order-sweep` cancels what is stuck, and runs twice an hour.
const PAYMENT_SECONDS: i64 = PENDING_TIMEOUT_SECONDS + STOCK_SECONDS;

/// What a consumer has not recorded is published again when it is an hour old.
const LOST_SECONDS: i64 = 65 * 60;
/// Or when it is a day old, if it was published hours late.
const LONG_LOST_SECONDS: i64 = 25 * 3600;

/// Each step of each order took no longer than it may.
pub(super) fn liveness<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let lost = match (world.plan.is_long, world.lost) {
        (true, _) => LONG_LOST_SECONDS,
        (false, Some(_)) => LOST_SECONDS,
        (false, None) => 0,
    };
    let undisturbed = [world.faults_ended, world.deployment].into_iter().flatten().max();
    for order in &world.seen.orders {
        for pair in order.history.windows(2) {
            let [before, after] = pair else { continue };
            let bound = match State::of(before.status, before.reason) {
                State::AwaitingStock => STOCK_SECONDS,
                State::AwaitingPayment => PAYMENT_SECONDS,
                _ => continue,
            };
            let from = undisturbed.map_or(before.at, |undisturbed| undisturbed.max(before.at));
            let seconds = after.at.as_second() - from.as_second();
            rule!(
                seconds <= bound + lost + world.clocks_differ(),
                "an order stayed {:?} {:?} for {seconds} s",
                before.status,
                before.reason
            );
        }
    }
    Ok(())
}

#[test]
fn no_queue_hides_a_message_for_longer_than_the_longest_backoff() {
    for function in catalog::FUNCTIONS.iter().filter(|function| function.keeps_inbox()) {
        assert!(function.visibility_s() <= BACKOFF_SECONDS, "{}: {} s", function.name, function.visibility_s());
    }
}
