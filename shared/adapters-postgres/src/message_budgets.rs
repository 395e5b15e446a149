//! Budgets of text messages.

use super::{
    Database,
    fragments::take_from_budget,
    params::params,
    rows::{get, only},
};
use domain::{id::UserId, message_limits::MessageBudgets, text::Phone};
use kernel::{Failure, Timestamp};
use ports::Claim;

/// The claim is one of its own, so that a message that was not sent is sent again without being counted again.
const TAKE: &str = concat!(
    "WITH taken AS (SELECT FROM inbox WHERE consumer = $1 AND event_id = $2), ",
    take_from_budget!("customer", "$3", at "$5", "$6", "$7", "WHERE NOT EXISTS (SELECT FROM taken)"),
    ", ",
    take_from_budget!("address", "$4", at "$5", "$8", "$9", "FROM customer"),
    ", claim AS (INSERT INTO inbox (consumer, event_id) SELECT $1, $2 FROM address ON CONFLICT DO NOTHING)
    SELECT EXISTS (SELECT FROM taken) OR EXISTS (SELECT FROM address) AS is_granted",
);

/// Takes one message from the budgets of the user and of the number, once per claim. `false` if one of them has none left.
pub(super) async fn take(
    database: &Database,
    claim: Claim,
    user: UserId,
    to: &Phone,
    quota: &MessageBudgets,
    now: Timestamp,
) -> Result<bool, Failure> {
    let params = params![
        format!("{} budget", claim.consumer),
        claim.event_id,
        format!("user {}", user.0),
        format!("address {}", to.as_str()),
        now,
        f64::from(quota.per_customer.interval_s()),
        f64::from(quota.per_customer.ahead_s()),
        f64::from(quota.per_address.interval_s()),
        f64::from(quota.per_address.ahead_s()),
    ];
    let rows = database.query(TAKE, &params).await?;
    get(only(&rows)?, "is_granted")
}
