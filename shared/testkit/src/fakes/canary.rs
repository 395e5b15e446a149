//! In-memory fakes of the canary's account and of the API that it calls.

use super::{CanaryAccounts, Dependency, Storefront, identity::UsersState};
use domain::{
    canary::{self, CanaryAccount},
    id::OrderId,
    order::{Reason, Status},
    user::{AccountStatus, Role, User},
};
use kernel::{Failure, FailureKind, Timestamp, Uuid};
use ports::{AccessToken, CanarySeed};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct CanaryState {
    /// The text of the secret.
    secret: Option<String>,
    /// The account that may log in.
    customer: Option<CanaryAccount>,
    /// By the key of the request, which is the order's id, too.
    orders: BTreeMap<Uuid, Status>,
    order_is_stuck: bool,
}

/// The only token that the API issues.
const TOKEN: &str = "canary";

fn unauthenticated() -> Failure {
    Failure::new(FailureKind::Unauthenticated, "unauthenticated", "The API refused the credentials.")
}

fn check(token: &AccessToken) -> Result<(), Failure> {
    if token.0 == TOKEN { Ok(()) } else { Err(unauthenticated()) }
}

impl CanaryAccounts {
    /// Sets the text of the secret.
    pub fn put(&self, text: &str) {
        self.0.arrange(|state| state.canary.secret = Some(text.to_owned()));
    }
}

impl Storefront {
    /// Creates the customer's account.
    pub fn register(&self, account: &CanaryAccount) {
        self.0.arrange(|state| state.canary.customer = Some(account.clone()));
    }

    /// From now on orders keep their status until they are cancelled.
    pub fn stand_still(&self) {
        self.0.arrange(|state| state.canary.order_is_stuck = true);
    }

    /// The status of every order, in the order of ids.
    pub fn orders(&self) -> Vec<Status> {
        self.0.inspect(|state| state.canary.orders.values().copied().collect())
    }
}

impl ports::CanaryAccounts for CanaryAccounts {
    async fn account(&self) -> Result<Option<CanaryAccount>, Failure> {
        let query = self.0.query(Dependency::Keys, |state| match &state.canary.secret {
            Some(text) => CanaryAccount::parse(text),
            None => Ok(None),
        });
        query.await
    }
}

impl ports::Storefront for Storefront {
    async fn log_in(&self, account: &CanaryAccount) -> Result<AccessToken, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let known = state.canary.customer.as_ref();
            let fits = known.is_some_and(|own| (&own.email, &own.password) == (&account.email, &account.password));
            if fits { Ok(AccessToken(TOKEN.to_owned())) } else { Err(unauthenticated()) }
        });
        query.await
    }

    async fn open_orders(&self, token: &AccessToken) -> Result<Vec<OrderId>, Failure> {
        check(token)?;
        let query = self.0.query(Dependency::Database, |state| {
            let open = state.canary.orders.iter().filter(|(_, status)| **status != Status::Cancelled);
            Ok(open.map(|(id, _)| OrderId(*id)).collect())
        });
        query.await
    }

    async fn place(&self, token: &AccessToken, _: &CanaryAccount, key: Uuid) -> Result<OrderId, Failure> {
        check(token)?;
        let step = self.0.step(Dependency::Database, "storefront.place", |state| {
            state.canary.orders.entry(key).or_insert(Status::Pending);
            Ok(OrderId(key))
        });
        step.await
    }

    async fn status(&self, token: &AccessToken, order: OrderId) -> Result<(Status, Option<Reason>), Failure> {
        check(token)?;
        let query = self.0.query(Dependency::Database, |state| {
            let status = *state.canary.orders.get(&order.0).ok_or_else(|| Failure::not_found("order"))?;
            Ok((status, (status == Status::Pending).then_some(Reason::AwaitingStock)))
        });
        query.await
    }

    async fn cancel(&self, token: &AccessToken, order: OrderId) -> Result<(), Failure> {
        check(token)?;
        let step = self.0.step(Dependency::Database, "storefront.cancel", |state| {
            let status = state.canary.orders.get_mut(&order.0).ok_or_else(|| Failure::not_found("order"))?;
            *status = Status::Cancelled;
            Ok(())
        });
        step.await
    }

    async fn pause(&self) {
        self.0.arrange(|state| {
            if !state.canary.order_is_stuck {
                for status in state.canary.orders.values_mut().filter(|status| **status == Status::Pending) {
                    *status = Status::Processing;
                }
            }
        });
    }
}

impl UsersState {
    /// Creates the canary's account or replaces its address, name and password.
    pub fn put_canary(&mut self, account: &CanarySeed, now: Timestamp) -> Result<(), Failure> {
        let known = self.accounts.remove(&canary::CUSTOMER);
        let user = User {
            id: canary::CUSTOMER,
            email: account.email.clone(),
            username: account.username.clone(),
            full_name: None,
            phone: None,
            address: None,
            role: Role::Customer,
            status: AccountStatus::Active,
            verified: Vec::new(),
            version: 1,
            created_at: now,
        };
        let added = self.add(&user, &account.password_hash);
        if let (Err(_), Some(known)) = (&added, known) {
            self.accounts.insert(canary::CUSTOMER, known);
        }
        added
    }
}
