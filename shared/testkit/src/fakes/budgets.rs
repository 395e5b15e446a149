//! Budgets that refill evenly.

use domain::message_limits::Budget;
use kernel::{Failure, Timestamp, seconds_after};
use std::collections::BTreeMap;

/// By what is counted: when the whole budget is there again.
pub(super) type Budgets = BTreeMap<String, Timestamp>;

/// Takes one from a budget. `false` if none is left.
pub(super) fn take(budgets: &mut Budgets, counter: String, budget: Budget, now: Timestamp) -> Result<bool, Failure> {
    let full_at = budgets.get(&counter).copied().unwrap_or(now).max(now);
    if full_at > seconds_after(now, i64::from(budget.ahead_s()))? {
        return Ok(false);
    }
    budgets.insert(counter, seconds_after(full_at, i64::from(budget.interval_s()))?);
    Ok(true)
}
