//! The in-memory fake of verifications of contacts.

use super::{Dependency, Users, budgets::take, identity::UsersState};
use domain::{
    Event,
    id::UserId,
    message_limits::MessageBudgets,
    verification::{self, ContactKind, Contacts, Verification},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::Claim;
use std::collections::BTreeMap;

impl UsersState {
    /// Takes a verification from the budgets of customer and address.
    fn take_verification(
        &mut self,
        user: &str,
        address: &str,
        quota: &MessageBudgets,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let budgets = &mut self.message_budgets;
        let is_granted = take(budgets, format!("user {user}"), quota.per_customer, now)?
            && take(budgets, format!("address {address}"), quota.per_address, now)?;
        if is_granted { Ok(()) } else { Err(verification::too_many_requests(quota)) }
    }

    fn contacts(&self, user: UserId) -> Option<Contacts> {
        let account = self.user(user)?;
        Some(Contacts {
            email: account.email.as_str().to_owned(),
            phone: account.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            verified: account.verified.clone(),
        })
    }

    fn address(&self, user: UserId, kind: ContactKind) -> Option<String> {
        let contacts = self.contacts(user)?;
        match kind {
            ContactKind::Email => Some(contacts.email),
            ContactKind::Phone => contacts.phone,
        }
    }
}

impl ports::VerificationStore for Users {
    async fn contacts(&self, user: UserId) -> Result<Option<Contacts>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.users.contacts(user))).await
    }

    async fn request_verification(
        &self,
        address: &str,
        event: &Event,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
        quota: &MessageBudgets,
    ) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("users.request_verification", |state| {
            if let Some(key) = key
                && let Some(settled) = state.users.keys.find(key)?
            {
                return Ok(settled);
            }
            state.users.take_verification(&event.subject, address, quota, event.time)?;
            if let Some(key) = key {
                state.users.keys.record(key, Some(reply));
            }
            let known = state.users.accounts.values().find(|account| account.user.id.to_string() == event.subject);
            let sequence = known.map_or(event.sequence, |account| account.user.version);
            state.outbox.add(&Event { sequence, ..event.clone() });
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }

    async fn find_request(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        self.0.query(Dependency::Database, |state| state.users.keys.find(key)).await
    }

    async fn was_token_sent(&self, claim: Claim) -> Result<bool, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.claims.contains(&claim))).await
    }

    async fn store_token(
        &self,
        verification: &Verification,
        selector: &str,
        expires_at: Timestamp,
    ) -> Result<(), Failure> {
        let commit = self.0.commit("users.store_token", |state| {
            let stored = (verification.clone(), selector.to_owned(), expires_at, 0);
            state.users.verifications.insert(verification.id, stored);
            Ok(())
        });
        commit.await
    }

    async fn record_token_sent(&self, claim: Claim) -> Result<(), Failure> {
        let commit = self.0.commit("users.record_token_sent", |state| {
            state.claim(claim);
            Ok(())
        });
        commit.await
    }

    async fn try_token(&self, selector: &str, now: Timestamp) -> Result<Vec<Verification>, Failure> {
        let commit = self.0.commit("users.try_token", |state| {
            let addresses: BTreeMap<Uuid, (Option<String>, u64)> = state
                .users
                .verifications
                .values()
                .map(|(one, ..)| {
                    let version = state.users.accounts.get(&one.user_id).map_or(0, |account| account.user.version);
                    (one.id, (state.users.address(one.user_id, one.kind), version))
                })
                .collect();
            let mut tried = Vec::new();
            for (one, known, expires_at, attempts) in state.users.verifications.values_mut() {
                let (address, version) = &addresses[&one.id];
                let may_be_tried = *expires_at > now && *attempts < verification::MAX_ATTEMPTS;
                if known == selector && may_be_tried && address.as_ref() == Some(&one.address) {
                    *attempts += 1;
                    tried.push(Verification { version: *version, ..one.clone() });
                }
            }
            Ok(tried)
        });
        commit.await
    }

    async fn verify(&self, verification: &Verification, event: &Event) -> Result<bool, Failure> {
        let commit = self.0.commit("users.verify", |state| {
            let users = &mut state.users;
            let version = users.account(verification.user_id)?.user.version;
            if version != verification.version || !users.verifications.contains_key(&verification.id) {
                return Ok(false);
            }
            let user = &mut users.account(verification.user_id)?.user;
            user.version += 1;
            user.verified.push(verification.kind);
            user.verified.sort_unstable();
            user.verified.dedup();
            let of_address = (verification.user_id, verification.kind);
            users.verifications.retain(|_, (one, ..)| (one.user_id, one.kind) != of_address);
            state.outbox.add(event);
            Ok(true)
        });
        commit.await
    }
}
