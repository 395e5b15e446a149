//! When a delivery is attempted again, and when an endpoint is given up.

use super::{DeliveryStatus, DisabledReason, SendError};
use kernel::{Failure, Timestamp, time};

/// Seconds after a failed attempt until the next: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, and three times 24 h. The first are those that
/// Standard Webhooks suggests. Up to a fifth is added to each, at random, so that those who failed together do not come back together.
const DELAYS: [i64; 11] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400, 86_400];
/// Attempts of a delivery, over five days and three hours at least.
pub const MAX_ATTEMPTS: u32 = 12;
/// Seconds for which all attempts at an endpoint must have failed before it is disabled.
const FAILING_SECONDS: i64 = 5 * 86_400;
/// Seconds after the start of an attempt until the delivery is due again, unless the attempt was concluded: longer than a run.
pub const LEASE_SECONDS: i64 = 120;
const GONE: u16 = 410;

/// What an attempt means for the delivery and its endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptResult {
    pub status: DeliveryStatus,
    /// Set if the delivery stays pending.
    pub next_attempt_at: Option<Timestamp>,
    pub response_status: Option<u16>,
    pub error: Option<SendError>,
    /// The endpoint is to be disabled.
    pub disable: Option<DisabledReason>,
}

/// Concludes attempt number `attempt` at an endpoint that has been failing since `failing_since`. `jitter` is random.
pub fn conclude(
    attempt: u32,
    failing_since: Option<Timestamp>,
    result: Result<u16, SendError>,
    jitter: u16,
    now: Timestamp,
) -> Result<AttemptResult, Failure> {
    let (response_status, error) = (result.ok(), result.err());
    let is_delivered = response_status.is_some_and(|status| (200..300).contains(&status));
    if is_delivered {
        let status = DeliveryStatus::Delivered;
        return Ok(AttemptResult { status, next_attempt_at: None, response_status, error, disable: None });
    }
    let has_failed_for_long = failing_since.is_some_and(|since| now.as_second() - since.as_second() >= FAILING_SECONDS);
    let disable = match response_status {
        Some(GONE) => Some(DisabledReason::Gone),
        _ => has_failed_for_long.then_some(DisabledReason::Failing),
    };
    let delay = attempt.checked_sub(1).and_then(|index| DELAYS.get(usize::try_from(index).ok()?));
    match delay.filter(|_| disable.is_none()) {
        Some(delay) => {
            let extra = delay * i64::from(jitter) / (5 * i64::from(u16::MAX));
            let next_attempt_at = Some(time::seconds_after(now, delay + extra)?);
            Ok(AttemptResult { status: DeliveryStatus::Pending, next_attempt_at, response_status, error, disable })
        }
        None => {
            Ok(AttemptResult { status: DeliveryStatus::Failed, next_attempt_at: None, response_status, error, disable })
        }
    }
}
