//! Sends the webhooks that are due: every minute, each endpoint's oldest first. Runs may overlap. First attempts are made before it where they
//! can be, by `webhook-enqueue`.
//!
//! A delivery is leased for two minutes, attempted, and concluded. If the run dies in between, it is due again: receivers get each event at least
//! once, and detect duplicates by `webhook-id`.

use edge::{
    schedule::Tick,
    telemetry::{self, metrics},
};
use kernel::Failure;
use ports::{LeaseLimits, Sealer, WebhookQueue, WebhookSender};
use serde::Serialize;
use services::WebhookAttempts;

/// Claims of a run. Each takes as long as its slowest attempt, ten seconds at most, and the function has fifty.
const CLAIMS: u32 = 4;
const LIMITS: LeaseLimits = LeaseLimits { total: 100, per_endpoint: 20 };

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub delivered: u32,
    pub failed: u32,
    /// Endpoints that were disabled.
    pub disabled: u32,
    /// Deliveries that could not be attempted or concluded; each is logged and due again.
    pub broken: u32,
}

/// Attempts the deliveries that are due.
pub async fn handle(
    webhooks: &impl WebhookQueue,
    sealer: &impl Sealer,
    sender: &impl WebhookSender,
    tick: Tick,
) -> Result<Summary, Failure> {
    let attempts = WebhookAttempts { webhooks, sealer, sender, context: &tick.context() };
    let lease_until = attempts.lease_until()?;
    let (mut summary, mut lag) = (Summary::default(), 0);
    for _ in 0..CLAIMS {
        let due = webhooks.lease_due(tick.now, lease_until, LIMITS).await?;
        if due.is_empty() {
            break;
        }
        let late = |due_at: kernel::Timestamp| tick.now.as_millisecond().saturating_sub(due_at.as_millisecond());
        lag = due.iter().map(|one| late(one.due_at)).fold(lag, i64::max);
        for (one, outcome) in due.iter().zip(attempts.make(&due).await) {
            match outcome {
                Ok(outcome) => {
                    summary.delivered += u32::from(outcome.is_delivered);
                    summary.failed += u32::from(!outcome.is_delivered);
                    summary.disabled += u32::from(outcome.is_disabled);
                }
                Err(failure) => {
                    let item = format_args!("{} of endpoint {}", one.delivery.id, one.endpoint.id);
                    telemetry::log_item_failure("attempt of a webhook delivery", item, &failure);
                    summary.broken += 1;
                }
            }
        }
    }
    metrics::value("WebhookLag", metrics::Unit::Milliseconds, lag);
    metrics::value("WebhookAttemptErrors", metrics::Unit::Count, summary.broken);
    if summary.disabled > 0 {
        metrics::count("WebhookEndpointsDisabled", u64::from(summary.disabled));
    }
    Ok(summary)
}
