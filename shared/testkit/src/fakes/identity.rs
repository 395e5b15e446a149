//! The in-memory fake of user accounts.

use super::{
    Session, Users,
    budgets::{Budgets, take},
    clients::Clients,
    keys::IdempotencyKeys,
    passwords::{Resets, fake_hash},
    second_factors::Factors,
};
use domain::{
    Event,
    id::{SessionId, UserId},
    login_throttle,
    message_limits::Budget,
    user::{AccountStatus, User},
    verification::Verification,
};
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid, seconds_after};
use ports::{Credentials, LoginAttempt, LoginCounters, LoginName, RefreshToken, SeedAccount};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct UsersState {
    pub(super) accounts: BTreeMap<UserId, Account>,
    pub(super) keys: IdempotencyKeys,
    /// By the counter of name and source: failures, no attempt before, and forgotten at.
    attempts: BTreeMap<String, (i32, Option<Timestamp>, Timestamp)>,
    /// With selector, expiry and the number of attempts.
    pub(super) verifications: BTreeMap<Uuid, (Verification, String, Timestamp, i32)>,
    /// By what is counted: when the whole budget is there again.
    pub(super) message_budgets: Budgets,
    /// By the counter of the source: when it has its whole budget again.
    sources: BTreeMap<String, Timestamp>,
    pub(super) resets: Resets,
    pub(super) clients: Clients,
    pub(super) factors: Factors,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    /// In the order in which they ended. This fake has no clock, and keeps them.
    pub(super) ended: Vec<SessionId>,
}

pub(super) struct Account {
    pub(super) user: User,
    pub(super) password_hash: String,
    pub(super) is_deleted: bool,
    pub(super) is_erased: bool,
}

impl UsersState {
    fn insert(&mut self, user: &User, password_hash: &str) {
        let password_hash = password_hash.to_owned();
        self.accounts
            .insert(user.id, Account { user: user.clone(), password_hash, is_deleted: false, is_erased: false });
    }

    /// Creates an account unless its e-mail address or username is taken. Returns whether it did.
    pub fn seed(&mut self, account: &SeedAccount, now: Timestamp) -> bool {
        let there = |one: &Account| one.user.email == account.email || one.user.username == account.username;
        if self.accounts.values().any(there) {
            return false;
        }
        let id: [u8; 32] = Sha256::digest(account.email.as_str()).into();
        let user = User {
            id: UserId(Uuid::from_bytes(*id.first_chunk().unwrap_or(&[0; 16]))),
            email: account.email.clone(),
            username: account.username.clone(),
            full_name: None,
            phone: None,
            address: None,
            role: account.role,
            status: AccountStatus::Active,
            verified: vec![],
            version: 1,
            created_at: now,
        };
        self.insert(&user, &account.password_hash);
        true
    }

    /// Adds a user whose e-mail address and username are not taken.
    pub(super) fn add(&mut self, user: &User, password_hash: &str) -> Result<(), Failure> {
        self.check_taken(user, None)?;
        self.insert(user, password_hash);
        Ok(())
    }

    /// Fails if an account other than `own` has the e-mail address or the username. Deleted accounts keep their username.
    pub(super) fn check_taken(&self, user: &User, own: Option<UserId>) -> Result<(), Failure> {
        let taken = |code, pointer| {
            let conflict = Failure::new(FailureKind::Conflict, code, "Another user has this value.");
            Failure { fields: Failure::field(pointer, "is taken").fields, ..conflict }
        };
        let others = || self.accounts.values().filter(|account| Some(account.user.id) != own);
        if others().any(|account| !account.is_deleted && account.user.email == user.email) {
            return Err(taken("email-taken", "/email"));
        }
        if others().any(|account| !account.is_erased && account.user.username == user.username) {
            return Err(taken("username-taken", "/username"));
        }
        Ok(())
    }

    /// A user whose account is not deleted.
    pub(super) fn user(&self, user: UserId) -> Option<&User> {
        self.accounts.get(&user).filter(|account| !account.is_deleted).map(|account| &account.user)
    }

    pub(super) fn delete(&mut self, user: UserId) -> Result<(), Failure> {
        self.verifications.retain(|_, (one, ..)| one.user_id != user);
        let account = self.account(user)?;
        account.is_deleted = true;
        account.user.version += 1;
        Ok(())
    }

    /// The users whose accounts are not deleted, sorted by id.
    pub(super) fn present(&self) -> impl Iterator<Item = &User> {
        self.accounts.values().filter(|account| !account.is_deleted).map(|account| &account.user)
    }

    /// The users who may log in.
    pub(super) fn active(&self) -> Vec<UserId> {
        self.accounts.keys().copied().filter(|user| self.is_active(*user)).collect()
    }

    /// Whether the user may log in.
    pub(super) fn is_active(&self, user: UserId) -> bool {
        self.user(user).is_some_and(|user| user.status == AccountStatus::Active)
    }

    /// Whether the user may log in, with the password and the role that a login has read, and with a second factor if it has found one.
    pub(super) fn is_unchanged(&self, checked: &Credentials) -> bool {
        let stored = self.accounts.get(&checked.user_id).filter(|_| self.is_active(checked.user_id));
        let has_second_factor = self.factors.is_active(checked.user_id);
        stored.is_some_and(|one| one.password_hash == checked.password_hash && one.user.role == checked.role)
            && has_second_factor == checked.has_second_factor
    }

    /// Counts an attempt, unless it is too early: then, the time when it is not.
    pub(super) fn count_login(
        &mut self,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<Result<(), Timestamp>, Failure> {
        let interval = i64::from(login_throttle::SOURCE_INTERVAL_S);
        let ahead = i64::from(login_throttle::SOURCE_BURST - 1) * interval;
        let known = self.attempts.get(&counters.name_and_source).filter(|(_, _, end)| *end > now).copied();
        let (failures, not_before, _) = known.unwrap_or((0, None, now));
        let full_at = self.sources.get(&counters.source).copied().unwrap_or(now).max(now);
        let until = seconds_after(full_at, -ahead)?.max(not_before.unwrap_or(now));
        if until > now {
            return Ok(Err(until));
        }
        let failures = failures + 1;
        let delay = i64::from(login_throttle::delay_s(failures));
        let not_before = (delay > 0).then(|| seconds_after(now, delay)).transpose()?;
        let entry = (failures, not_before, seconds_after(now, i64::from(login_throttle::MEMORY_S))?);
        self.attempts.insert(counters.name_and_source.clone(), entry);
        self.sources.insert(counters.source.clone(), seconds_after(full_at, interval)?);
        Ok(Ok(()))
    }

    /// Forgets the failed attempts at an account from a source.
    fn forget(&mut self, counters: &LoginCounters) -> Result<(), Failure> {
        self.attempts.remove(&counters.name_and_source);
        if let Some(full_at) = self.sources.get_mut(&counters.source) {
            *full_at = seconds_after(*full_at, -i64::from(login_throttle::SOURCE_INTERVAL_S))?;
        }
        Ok(())
    }

    pub(super) fn account(&mut self, user: UserId) -> Result<&mut Account, Failure> {
        self.accounts.get_mut(&user).ok_or_else(|| Failure::not_found("user"))
    }
}

impl Users {
    /// All users, sorted by id.
    pub fn all(&self) -> Vec<User> {
        self.0.inspect(|state| state.users.accounts.values().map(|account| account.user.clone()).collect())
    }

    /// What a login of a user is checked against.
    pub fn credentials(&self, user: UserId) -> Option<Credentials> {
        self.0.inspect(|state| {
            let account = state.users.accounts.get(&user)?;
            Some(Credentials {
                user_id: user,
                role: account.user.role,
                password_hash: account.password_hash.clone(),
                has_second_factor: state.users.factors.is_active(user),
            })
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

    async fn count_registration(&self, source: &str, budget: Budget, now: Timestamp) -> Result<(), Failure> {
        let commit = self.0.commit("users.count_registration", |state| {
            let counter = source.to_owned();
            if take(&mut state.users.sources, counter, budget, now)? {
                return Ok(());
            }
            let full_at = state.users.sources.get(source).copied().unwrap_or(now);
            let until = seconds_after(full_at, -i64::from(budget.ahead_s()))?;
            Err(login_throttle::too_many_registrations(Some(until), budget, now))
        });
        commit.await
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        self.0.commit("users.store_response", |state| state.users.keys.settle(key, reply)).await
    }

    async fn reserve_login(
        &self,
        account: LoginName<'_>,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<LoginAttempt, Failure> {
        let commit = self.0.commit("users.reserve_login", |state| {
            if let Err(until) = state.users.count_login(counters, now)? {
                return Ok(LoginAttempt::Refused(Some(until)));
            }
            let is_named = |one: &User| match account {
                LoginName::Typed(name) => one.email.as_str() == name || one.username.as_str() == name,
                LoginName::Id(id) => one.id == id,
            };
            let users = &state.users;
            let mut active = users.accounts.values().filter(|one| users.is_active(one.user.id));
            let found = active.find(|one| is_named(&one.user));
            Ok(LoginAttempt::Granted(found.map(|account| Credentials {
                user_id: account.user.id,
                role: account.user.role,
                password_hash: account.password_hash.clone(),
                has_second_factor: users.factors.is_active(account.user.id),
            })))
        });
        commit.await
    }

    async fn forget_attempt(&self, counters: &LoginCounters) -> Result<(), Failure> {
        self.0.commit("users.forget_attempt", |state| state.users.forget(counters)).await
    }

    async fn begin_session(
        &self,
        session: SessionId,
        checked: &Credentials,
        counters: &LoginCounters,
        token: &RefreshToken,
    ) -> Result<bool, Failure> {
        let commit = self.0.commit("users.begin_session", |state| {
            if !state.users.is_unchanged(checked) {
                return Ok(false);
            }
            state.users.forget(counters)?;
            state.users.sessions.insert(session, Session::new(checked.user_id, token));
            Ok(true)
        });
        commit.await
    }
}
