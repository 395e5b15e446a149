//! Idempotency keys of the gateway: known from the first request for a day, and forgotten then.

use super::GatewayState;
use crate::fakes::Gateway;
use kernel::Timestamp;
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Stripe may remove a key after 24 hours (<https://docs.stripe.com/api/idempotent_requests>).
const KNOWN_FOR: Duration = Duration::from_secs(24 * 3_600);

#[derive(Default)]
pub(super) struct Keys {
    /// The time at the gateway. Until it is set, no key is forgotten.
    now: Cell<Timestamp>,
    /// When each key came first.
    since: BTreeMap<String, Timestamp>,
    /// Keys with a stored error.
    pub failing: BTreeSet<String>,
    /// Keys that were taken so that nothing is charged under them.
    pub withdrawn: BTreeSet<String>,
}

impl Gateway {
    /// Sets the time at the gateway: a key that came a day before is new again.
    pub fn set_time(&self, now: Timestamp) {
        self.0.inspect(|state| state.gateway.keys.now.set(now));
    }
}

impl GatewayState {
    /// Notes a request under a key. Returns whether the gateway knows the key from an earlier one.
    pub(super) fn receive(&mut self, key: &str) -> bool {
        let now = self.keys.now.get();
        let keys = &mut self.keys;
        if keys.since.get(key).is_some_and(|since| now < *since + KNOWN_FOR) {
            return true;
        }
        keys.failing.remove(key);
        keys.withdrawn.remove(key);
        keys.since.insert(key.to_owned(), now);
        false
    }
}
