//! Ports of operations: readiness, migrations and the passwords of database roles.

use crate::Page;
use domain::{
    id::OrderId,
    text::{Email, Username},
    timeline::{ConsumerStatus, EventRecord, TimelineEntry},
    user::Role,
};
use kernel::{Failure, Timestamp, Uuid};
use std::{collections::BTreeMap, fmt};

/// Readiness check of one dependency.
pub trait Probe {
    /// Name of the dependency in the response of `/ready`.
    fn dependency(&self) -> &'static str;

    /// Whether the service is not ready without it.
    fn is_essential(&self) -> bool;

    /// Checks that the dependency responds.
    async fn check(&self) -> Result<(), Failure>;
}

/// An account that is created with an installation.
#[derive(Clone, PartialEq, Eq)]
pub struct SeedAccount {
    pub email: Email,
    pub username: Username,
    /// PHC string.
    pub password_hash: String,
    pub role: Role,
}

impl fmt::Debug for SeedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeedAccount").field("role", &self.role).finish_non_exhaustive()
    }
}

/// The account of the synthetic canary.
#[derive(Clone, PartialEq, Eq)]
pub struct CanarySeed {
    pub email: Email,
    pub username: Username,
    /// PHC string.
    pub password_hash: String,
}

impl fmt::Debug for CanarySeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CanarySeed(…)")
    }
}

/// The schema of the database.
pub trait Migrations {
    /// Applies pending migrations and returns their names.
    async fn apply(&self) -> Result<Vec<String>, Failure>;

    /// Creates the accounts that do not exist yet and leaves the others unchanged. Returns how many were created.
    async fn seed_accounts(&self, accounts: &[SeedAccount], now: Timestamp) -> Result<u32, Failure>;

    /// Creates the account of the synthetic canary, a customer with the id [`domain::canary::CUSTOMER`], or replaces its address, name and
    /// password. `Conflict` if another account has the address or the name.
    async fn put_canary(&self, account: &CanarySeed, now: Timestamp) -> Result<(), Failure>;
}

/// One rotation of a secret: a new version that becomes current once the database has its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Name or ARN of the secret.
    pub secret: String,
    /// Id of the new version, the same in every step and repetition of the rotation.
    pub version: String,
}

/// Login of a database role.
#[derive(Clone, PartialEq, Eq)]
pub struct RoleLogin {
    pub role: String,
    pub password: String,
}

impl fmt::Debug for RoleLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleLogin").field("role", &self.role).finish_non_exhaustive()
    }
}

/// The secrets of the database roles. Each step of a rotation may be repeated.
pub trait RoleSecrets {
    /// Creates the version with a new password for the role of the current version; changes nothing if the version exists.
    async fn prepare(&self, rotation: &Rotation) -> Result<(), Failure>;

    /// The login of the version; `NotFound` before [`RoleSecrets::prepare`].
    async fn prepared(&self, rotation: &Rotation) -> Result<RoleLogin, Failure>;

    /// Makes the version current.
    async fn promote(&self, rotation: &Rotation) -> Result<(), Failure>;
}

/// The passwords of the database roles.
pub trait RolePasswords {
    /// Sets the password of a role; `NotFound` if the role does not exist.
    async fn set_password(&self, login: &RoleLogin) -> Result<(), Failure>;
}

/// What operators see of every event.
pub trait EventRecords {
    /// Adds events. One that is known already is left as it is.
    async fn add(&self, events: &[EventRecord]) -> Result<(), Failure>;
}

/// What is known of events and of one of their consumers that keeps an inbox.
pub trait DeliveryStatuses {
    /// The status of each of these events, by its id.
    async fn of_consumer(
        &self,
        consumer: &'static str,
        events: &[Uuid],
    ) -> Result<BTreeMap<Uuid, ConsumerStatus>, Failure>;
}

/// Reads what is recorded of events.
pub trait Timeline: DeliveryStatuses {
    /// A page of the events about an order, oldest first, each with its consumers that keep an inbox. Those of one aggregate are in the order of
    /// its versions, whatever the clocks of their writers say. An event that occurred before `inbox_covered_since` has no consumers, because the
    /// inboxes have forgotten it.
    async fn of_order(
        &self,
        order: OrderId,
        inbox_covered_since: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<TimelineEntry>, Failure>;
}
