//! The synthetic canary: every five minutes it logs in, orders a test product over the public API, waits until the order is confirmed,
//! and cancels it.
//!
//! Stock is released and a charge refunded as for every cancelled order. Orders that an earlier run left are cancelled first. A
//! failure is a result of the run, not an error of the function: a retry would place another order.

use domain::{canary, id::OrderId, order::Status};
use edge::{
    schedule::Tick,
    telemetry::{self, metrics},
};
use kernel::Failure;
use ports::{AccessToken, CanaryAccounts, Storefront};
use serde::Serialize;

/// How often the order is looked at, with a pause of a second before each look, until it is confirmed and again until it is cancelled.
pub const MAX_POLLS: u32 = 30;

/// Result of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CanaryOutcome {
    /// The order was confirmed and cancelled.
    Passed,
    /// The failure is logged.
    Failed,
    /// There is no account.
    NotSetUp,
}

#[derive(Debug, Serialize)]
pub struct Summary {
    pub outcome: CanaryOutcome,
    /// Orders of earlier runs that were cancelled.
    pub cancelled_leftovers: usize,
}

/// Runs the journey once and counts its result.
pub async fn handle(
    accounts: &impl CanaryAccounts,
    storefront: &impl Storefront,
    tick: Tick,
) -> Result<Summary, Failure> {
    let mut cancelled_leftovers = 0;
    let outcome = match run(accounts, storefront, &tick, &mut cancelled_leftovers).await {
        Ok(outcome) => outcome,
        Err(failure) => {
            telemetry::log_failure("canary", &failure);
            CanaryOutcome::Failed
        }
    };
    metrics::count("CanaryNotSetUp", u64::from(outcome == CanaryOutcome::NotSetUp));
    metrics::count("CanaryOrdersFailed", u64::from(outcome == CanaryOutcome::Failed));
    // What service levels count: the journey was one request.
    metrics::count("ServerErrors", u64::from(outcome == CanaryOutcome::Failed));
    Ok(Summary { outcome, cancelled_leftovers })
}

async fn run(
    accounts: &impl CanaryAccounts,
    storefront: &impl Storefront,
    tick: &Tick,
    cancelled_leftovers: &mut usize,
) -> Result<CanaryOutcome, Failure> {
    let Some(account) = accounts.account().await? else { return Ok(CanaryOutcome::NotSetUp) };
    let token = storefront.log_in(&account).await?;
    for order in storefront.open_orders(&token).await? {
        storefront.cancel(&token, order).await?;
        *cancelled_leftovers += 1;
    }
    let order = storefront.place(&token, &account, tick.ids.next()).await?;
    let confirmed = wait_for_status(storefront, &token, order, Status::Processing).await;
    // Also if it was not confirmed: nothing is left behind.
    storefront.cancel(&token, order).await?;
    confirmed?;
    wait_for_status(storefront, &token, order, Status::Cancelled).await?;
    Ok(CanaryOutcome::Passed)
}

/// Polls the order until it has the status.
async fn wait_for_status(
    storefront: &impl Storefront,
    token: &AccessToken,
    order: OrderId,
    wanted: Status,
) -> Result<(), Failure> {
    for _ in 0..MAX_POLLS {
        let (status, _) = storefront.status(token, order).await?;
        if status == wanted {
            return Ok(());
        }
        if status == Status::Cancelled {
            break;
        }
        storefront.pause().await;
    }
    Err(canary::order_is_stuck(wanted.into()))
}
