//! In-memory fakes of service clients and their secrets.

use super::{Dependency, State, Tokens, Users};
use crate::hex;
use domain::{
    client::Client,
    id::{ClientId, SessionId},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{ClientAttempt, LoginCounters, Page};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// With the digest of the secret, and that of the one before.
pub(super) type Clients = BTreeMap<ClientId, (Client, String, Option<String>)>;

impl ports::ClientStore for Users {
    async fn create_client(
        &self,
        client: &Client,
        digest: &str,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("users.create_client", |state| {
            if let Some(settled) = once.map(|(key, _)| state.users.keys.find(key)).transpose()?.flatten() {
                return Ok(settled);
            }
            state.users.clients.insert(client.id, (client.clone(), digest.to_owned(), None));
            once.into_iter().for_each(|(key, reply)| state.users.keys.record(key, Some(reply)));
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, Failure> {
        let known = |state: &State| Ok(state.users.clients.get(&id).map(|(client, ..)| client.clone()));
        self.0.query(Dependency::Database, known).await
    }

    async fn clients(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Client>, Failure> {
        let after: Option<ClientId> = cursor
            .map(|text| text.parse().map_err(|_| Failure::field("?cursor", "is not a cursor of this list")))
            .transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            let clients = state.users.clients.values().rev().map(|(client, ..)| client);
            let mut items: Vec<Client> =
                clients.filter(|client| after.is_none_or(|after| client.id < after)).cloned().collect();
            let limit = usize::try_from(limit).map_err(Failure::internal)?;
            let next = (items.len() > limit).then(|| items[limit - 1].id.to_string());
            items.truncate(limit);
            Ok(Page { items, next })
        });
        query.await
    }

    async fn replace_secret(
        &self,
        client: ClientId,
        digest: &str,
        previous_valid_until: Timestamp,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let commit = self.0.commit("users.replace_secret", |state| {
            if let Some(settled) = once.map(|(key, _)| state.users.keys.find(key)).transpose()?.flatten() {
                return Ok(Some(settled));
            }
            let Some((client, current, previous)) = state.users.clients.get_mut(&client) else { return Ok(None) };
            *previous = Some(std::mem::replace(current, digest.to_owned()));
            client.previous_valid_until = Some(previous_valid_until);
            once.into_iter().for_each(|(key, reply)| state.users.keys.record(key, Some(reply)));
            Ok(Some(IdempotencyOutcome::Committed))
        });
        commit.await
    }

    async fn delete_client(&self, client: ClientId) -> Result<bool, Failure> {
        let commit = self.0.commit("users.delete_client", |state| {
            let deleted = state.users.clients.remove(&client).is_some();
            // The session of a client's tokens has its id.
            state.users.ended.extend(deleted.then_some(SessionId(client.0)));
            Ok(deleted)
        });
        commit.await
    }

    async fn reserve_client(
        &self,
        client: Option<ClientId>,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<ClientAttempt, Failure> {
        let commit = self.0.commit("users.reserve_client", |state| {
            if let Err(until) = state.users.count_login(counters, now)? {
                return Ok(ClientAttempt::Refused(Some(until)));
            }
            let found = client.and_then(|client| state.users.clients.get(&client));
            let valid = found.map(|(client, current, previous)| {
                let is_valid = client.previous_valid_until.is_some_and(|until| until > now);
                let previous = previous.clone().filter(|_| is_valid);
                [Some(current.clone()), previous].into_iter().flatten().collect()
            });
            Ok(ClientAttempt::Granted(valid.unwrap_or_default()))
        });
        commit.await
    }
}

impl ports::ClientSecrets for Tokens {
    fn client_secret(&self) -> Result<(String, String), Failure> {
        let number = self.0.arrange(|state| {
            state.secrets += 1;
            state.secrets
        });
        let secret = format!("secret-{number}");
        let digest = hex(&Sha256::digest(&secret));
        Ok((secret, digest))
    }

    fn is_digest_of_secret(&self, digest: &str, secret: &str) -> bool {
        digest == hex(&Sha256::digest(secret))
    }
}
