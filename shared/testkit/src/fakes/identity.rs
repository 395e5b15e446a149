//! In-memory fakes of user accounts and password hashing.

use super::{Passwords, Users, keys::IdempotencyKeys};
use crate::hex;
use domain::{
    Event,
    id::UserId,
    throttle,
    user::{Password, User},
};
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid, seconds_after};
use ports::{Credentials, LoginAttempt, LoginCounters, SeedAccount};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct UsersState {
    accounts: BTreeMap<UserId, Account>,
    keys: IdempotencyKeys,
    /// By the counter of name and source: failures, no attempt before, and forgotten at.
    attempts: BTreeMap<String, (i32, Timestamp, Timestamp)>,
    /// By the counter of the source: when it has its whole budget again.
    sources: BTreeMap<String, Timestamp>,
}

struct Account {
    user: User,
    password_hash: String,
    sessions: Vec<Session>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the refresh token, in hexadecimal.
    pub token_digest: String,
    pub begun_at: Timestamp,
    pub expires_at: Timestamp,
}

impl UsersState {
    fn insert(&mut self, user: &User, password_hash: &str) {
        let password_hash = password_hash.to_owned();
        self.accounts.insert(user.id, Account { user: user.clone(), password_hash, sessions: vec![] });
    }

    /// Creates an account unless its e-mail address or username is taken. Returns whether it did.
    pub fn found(&mut self, account: &SeedAccount, now: Timestamp) -> bool {
        let there = |one: &Account| one.user.email == account.email || one.user.username == account.username;
        if self.accounts.values().any(there) {
            return false;
        }
        let digest = Sha256::digest(account.email.as_str());
        let mut id = [0_u8; 16];
        id.copy_from_slice(&digest[..16]);
        let user = User {
            id: UserId(Uuid::from_bytes(id)),
            email: account.email.clone(),
            username: account.username.clone(),
            full_name: None,
            phone: None,
            address: None,
            role: account.role,
            version: 1,
            created_at: now,
        };
        self.insert(&user, &account.password_hash);
        true
    }

    /// Adds a user whose e-mail address and username are not taken.
    fn add(&mut self, user: &User, password_hash: &str) -> Result<(), Failure> {
        let taken = |code, pointer| {
            let conflict = Failure::new(FailureKind::Conflict, code, "Another user has this value.");
            Failure { fields: Failure::field(pointer, "is taken").fields, ..conflict }
        };
        if self.accounts.values().any(|account| account.user.email == user.email) {
            return Err(taken("email-taken", "/email"));
        }
        if self.accounts.values().any(|account| account.user.username == user.username) {
            return Err(taken("username-taken", "/username"));
        }
        self.insert(user, password_hash);
        Ok(())
    }

    /// Counts an attempt, unless it is too early: then, the time when it is not.
    fn count_login(&mut self, counters: &LoginCounters, now: Timestamp) -> Result<Result<(), Timestamp>, Failure> {
        let interval = i64::from(throttle::SOURCE_INTERVAL_S);
        let ahead = i64::from(throttle::SOURCE_BURST - 1) * interval;
        let known = self.attempts.get(&counters.name_and_source).filter(|(_, _, end)| *end > now).copied();
        let (failures, not_before, _) = known.unwrap_or((0, now, now));
        let full_at = self.sources.get(&counters.source).copied().unwrap_or(now).max(now);
        let until = not_before.max(seconds_after(full_at, -ahead)?);
        if until > now {
            return Ok(Err(until));
        }
        let failures = failures + 1;
        let delay = i64::from(throttle::delay_s(failures));
        let entry = (failures, seconds_after(now, delay)?, seconds_after(now, i64::from(throttle::MEMORY_S))?);
        self.attempts.insert(counters.name_and_source.clone(), entry);
        self.sources.insert(counters.source.clone(), seconds_after(full_at, interval)?);
        Ok(Ok(()))
    }

    fn account(&mut self, user: UserId) -> Result<&mut Account, Failure> {
        self.accounts.get_mut(&user).ok_or_else(|| Failure::not_found("user"))
    }
}

impl Users {
    /// All users, sorted by id.
    pub fn all(&self) -> Vec<User> {
        self.0.inspect(|state| state.users.accounts.values().map(|account| account.user.clone()).collect())
    }

    /// The sessions of a user, oldest first.
    pub fn sessions(&self, user: UserId) -> Vec<Session> {
        self.0.inspect(|state| {
            state.users.accounts.get(&user).map(|account| account.sessions.clone()).unwrap_or_default()
        })
    }

    /// Stores a user with this password, without an event.
    pub fn put(&self, user: &User, password: &str) {
        let hash = fake_hash("arranged", password);
        self.0.arrange(|state| state.users.insert(user, &hash));
    }
}

impl ports::UserStore for Users {
    async fn register(&self, user: &User, password_hash: &str, event: &Event) -> Result<(), Failure> {
        let commit = self.0.commit("users.register", |state| {
            state.users.add(user, password_hash)?;
            state.outbox.add(event);
            Ok(())
        });
        commit.await
    }

    async fn register_once(
        &self,
        user: &User,
        password_hash: &str,
        event: &Event,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("users.register_once", |state| {
            if let Some(settled) = state.users.keys.find(key)? {
                return Ok(settled);
            }
            state.users.add(user, password_hash)?;
            state.users.keys.record(key, Some(reply));
            state.outbox.add(event);
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }

    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        self.0.commit("users.store_rejection", |state| state.users.keys.settle(key, reply)).await
    }

    async fn reserve_login(
        &self,
        name: &str,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<LoginAttempt, Failure> {
        let commit = self.0.commit("users.reserve_login", |state| {
            if let Err(until) = state.users.count_login(counters, now)? {
                return Ok(LoginAttempt::Refused(Some(until)));
            }
            let mut accounts = state.users.accounts.values();
            let found = accounts.find(|one| one.user.email.as_str() == name || one.user.username.as_str() == name);
            Ok(LoginAttempt::Granted(found.map(|account| Credentials {
                user_id: account.user.id,
                role: account.user.role,
                password_hash: account.password_hash.clone(),
            })))
        });
        commit.await
    }

    async fn begin_session(
        &self,
        user: UserId,
        counters: &LoginCounters,
        token_digest: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), Failure> {
        let commit = self.0.commit("users.begin_session", |state| {
            state.users.attempts.remove(&counters.name_and_source);
            if let Some(full_at) = state.users.sources.get_mut(&counters.source) {
                *full_at = seconds_after(*full_at, -i64::from(throttle::SOURCE_INTERVAL_S))?;
            }
            let account = state.users.account(user)?;
            account.sessions.push(Session { token_digest: token_digest.to_owned(), begun_at: now, expires_at });
            Ok(())
        });
        commit.await
    }
}

/// A string in PHC format that protects nothing.
fn fake_hash(salt: &str, password: &str) -> String {
    format!("$fake${salt}${}", hex(&Sha256::digest(format!("{salt}:{password}"))))
}

impl ports::Passwords for Passwords {
    fn hash(&self, password: &Password) -> Result<String, Failure> {
        let salt = self.0.arrange(|state| {
            state.secrets += 1;
            state.secrets
        });
        Ok(fake_hash(&format!("salt{salt}"), password.expose()))
    }

    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Failure> {
        let Some(hash) = hash else { return Ok(false) };
        let mut parts = hash.split('$').skip(1);
        match (parts.next(), parts.next(), parts.next()) {
            (Some("fake"), Some(salt), Some(_)) => Ok(hash == fake_hash(salt, password)),
            _ => Err(Failure::internal("the stored value is not a password hash")),
        }
    }
}
