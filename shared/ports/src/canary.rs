//! Ports of the synthetic canary.

use domain::{
    canary::CanaryAccount,
    id::OrderId,
    order::{Reason, Status},
};
use kernel::{Failure, Uuid};
use std::fmt;

pub trait CanaryAccounts {
    /// `None` while it is not set up.
    async fn account(&self) -> Result<Option<CanaryAccount>, Failure>;
}

#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(pub String);

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// The platform's HTTP API, as a customer's program calls it.
///
/// Credentials or a token that the API refuses are `Unauthenticated`, an order that the caller does not have is `NotFound`. A failure names
/// the step and the status, and nothing of the response.
pub trait Storefront {
    async fn log_in(&self, account: &CanaryAccount) -> Result<AccessToken, Failure>;

    /// The customer's newest orders that can still be cancelled.
    async fn open_orders(&self, token: &AccessToken) -> Result<Vec<OrderId>, Failure>;

    /// Orders one unit of the account's product, once for a key.
    async fn place(&self, token: &AccessToken, account: &CanaryAccount, key: Uuid) -> Result<OrderId, Failure>;

    /// The status of an order, with its reason.
    async fn status(&self, token: &AccessToken, order: OrderId) -> Result<(Status, Option<Reason>), Failure>;

    /// Cancels an order. Stock and payment follow later.
    async fn cancel(&self, token: &AccessToken, order: OrderId) -> Result<(), Failure>;

    /// Waits for what the platform does after its response, before the order is looked at again.
    async fn pause(&self);
}
