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
pub const MAX_LOOKS: u32 = 30;

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
    pub left_over: usize,
}

/// Runs the journey once and counts its result.
pub async fn handle(accounts: &impl CanaryAccounts, shop: &impl Storefront, tick: Tick) -> Result<Summary, Failure> {
    let mut left_over = 0;
    let outcome = match run(accounts, shop, &tick, &mut left_over).await {
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
    Ok(Summary { outcome, left_over })
}

async fn run(
    accounts: &impl CanaryAccounts,
    shop: &impl Storefront,
    tick: &Tick,
    left_over: &mut usize,
) -> Result<CanaryOutcome, Failure> {
    let Some(account) = accounts.account().await? else { return Ok(CanaryOutcome::NotSetUp) };
    let token = shop.log_in(&account).await?;
    for order in shop.open_orders(&token).await? {
        shop.cancel(&token, order).await?;
        *left_over += 1;
    }
    let order = shop.place(&token, &account, tick.ids.next()).await?;
    let confirmed = reach(shop, &token, order, Status::Processing).await;
    // Also if it was not confirmed: nothing is left behind.
    shop.cancel(&token, order).await?;
    confirmed?;
    reach(shop, &token, order, Status::Cancelled).await?;
    Ok(CanaryOutcome::Passed)
}

/// Polls the order until it has the status.
async fn reach(shop: &impl Storefront, token: &AccessToken, order: OrderId, wanted: Status) -> Result<(), Failure> {
    for _ in 0..MAX_LOOKS {
        let (status, _) = shop.status(token, order).await?;
        if status == wanted {
            return Ok(());
        }
        if status == Status::Cancelled {
            break;
        }
        shop.pause().await;
    }
    Err(canary::stands_still(wanted.into()))
}
