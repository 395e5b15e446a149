//! Authentication throttled by `domain::login_throttle`: passwords, second factors, and secrets of service clients.

use domain::login_throttle;
use kernel::{Failure, Timestamp};
use ports::{Credentials, LoginAttempt, LoginCounters, LoginName, RequestSources, UserStore};

/// Compares what a client proves, by `P`, with the accounts or service clients of a store.
#[derive(Debug)]
pub struct LoginThrottle<'a, U, P, S> {
    pub(crate) store: &'a U,
    pub(crate) proofs: &'a P,
    sources: &'a S,
}

impl<'a, U, P, S: RequestSources> LoginThrottle<'a, U, P, S> {
    pub fn new(store: &'a U, proofs: &'a P, sources: &'a S) -> Self {
        Self { store, proofs, sources }
    }

    /// The counters of an attempt. The length of the source separates it from the name.
    pub(crate) async fn counters(&self, name: &str, client_address: Option<&str>) -> Result<LoginCounters, Failure> {
        let source = login_throttle::source(client_address);
        let name_and_source = self.sources.keyed_hash(&format!("{} {source} {name}", source.len())).await?;
        Ok(LoginCounters { name_and_source, source: self.sources.keyed_hash(&format!("source {source}")).await? })
    }

    /// Counts an attempt, and returns what it is checked against.
    pub(crate) async fn reserve(
        &self,
        account: LoginName<'_>,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<Option<Credentials>, Failure>
    where
        U: UserStore,
    {
        match self.store.reserve_login(account, counters, now).await? {
            LoginAttempt::Granted(found) => Ok(found),
            LoginAttempt::Refused(until) => Err(login_throttle::too_many_logins(until, now)),
        }
    }
}

impl<U, P, S: RequestSources> RequestSources for LoginThrottle<'_, U, P, S> {
    async fn keyed_hash(&self, text: &str) -> Result<String, Failure> {
        self.sources.keyed_hash(text).await
    }

    async fn is_from_distribution(&self, secret: &str) -> Result<bool, Failure> {
        self.sources.is_from_distribution(secret).await
    }
}
