//! In-memory fake of accounts as their users and admins see and change them.

use super::{Dependency, Users, identity::UsersState};
use domain::{
    Event,
    id::{SessionId, UserId},
    profile,
    text::{Email, Username},
    user::{AccountStatus, Role, User},
};
use kernel::Failure;
use ports::Page;

impl UsersState {
    /// Fails if the user is the last active admin.
    fn check_admins(&self, user: UserId) -> Result<(), Failure> {
        let mut admins =
            self.active().into_iter().filter(|id| self.user(*id).is_some_and(|one| one.role == Role::Admin));
        let is_last = admins.next() == Some(user) && admins.next().is_none();
        if is_last { Err(profile::last_admin()) } else { Ok(()) }
    }

    /// Fails if an account that is not erased has another password than the one with the hash `proven`.
    pub(super) fn check_proven(&self, user: UserId, proven: Option<&str>) -> Result<(), Failure> {
        let stored = self.accounts.get(&user).filter(|account| !account.is_erased);
        let is_another = |proven: &str| stored.is_some_and(|account| account.password_hash != proven);
        if proven.is_some_and(is_another) { Err(profile::wrong_current_password()) } else { Ok(()) }
    }

    /// Erases an account: the versions of its events, of which the first is that of its deletion. `None` if there is no such account, and no
    /// version if it was erased before.
    fn erase(&mut self, user: UserId) -> Option<Vec<u64>> {
        let account = self.accounts.get_mut(&user)?;
        if account.is_erased {
            return Some(Vec::new());
        }
        let first = account.user.version + 1;
        let last = if account.is_deleted { first } else { first + 1 };
        (account.is_deleted, account.is_erased, account.password_hash) = (true, true, String::new());
        account.user = User {
            email: Email::parse(&format!("{user}@erased.invalid")).expect("an address"),
            username: Username::parse(&format!("erased-{}", &user.to_string()[..8])).expect("a username"),
            full_name: None,
            phone: None,
            address: None,
            verified: vec![],
            version: last,
            ..account.user.clone()
        };
        self.verifications.retain(|_, (one, ..)| one.user_id != user);
        self.resets.retain(|_, (one, ..)| one.user_id != user);
        self.factors.erase(user);
        Some((first..=last).collect())
    }
}

impl ports::AccountStore for Users {
    async fn account(&self, user: UserId) -> Result<Option<User>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.users.user(user).cloned())).await
    }

    async fn update_account(&self, user: &User, proven: Option<&str>, event: &Event) -> Result<bool, Failure> {
        let commit = self.0.commit("users.update_account", |state| {
            let Some(stored) = state.users.user(user.id) else { return Ok(false) };
            let is_next = stored.version + 1 == user.version;
            state.users.check_proven(user.id, proven)?;
            if !is_next {
                return Ok(false);
            }
            state.users.check_taken(user, Some(user.id))?;
            state.users.account(user.id)?.user = user.clone();
            state.outbox.add(event);
            Ok(true)
        });
        commit.await
    }

    async fn administer_account(&self, user: &User, event: &Event) -> Result<Option<Vec<SessionId>>, Failure> {
        let commit = self.0.commit("users.administer_account", |state| {
            if (user.role, user.status) != (Role::Admin, AccountStatus::Active) {
                state.users.check_admins(user.id)?;
            }
            if state.users.user(user.id).is_none_or(|stored| stored.version + 1 != user.version) {
                return Ok(None);
            }
            let stored = &mut state.users.account(user.id)?.user;
            (stored.role, stored.status, stored.version) = (user.role, user.status, user.version);
            state.outbox.add(event);
            Ok(Some(state.users.end_logins(user.id, None)))
        });
        commit.await
    }

    async fn search_accounts(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page<User>, Failure> {
        let after: Option<UserId> = cursor
            .map(|text| text.parse().map_err(|_| Failure::field("?cursor", "is not a cursor of this list")))
            .transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            let is_found = |user: &&User| {
                let name = user.full_name.as_ref().map(|name| name.as_str().to_lowercase()).unwrap_or_default();
                [user.email.as_str(), user.username.as_str(), &name].iter().any(|text| text.starts_with(prefix))
                    && after.is_none_or(|after| user.id > after)
            };
            let mut items: Vec<User> = state.users.present().filter(is_found).cloned().collect();
            let limit = usize::try_from(limit).map_err(Failure::internal)?;
            let next = (items.len() > limit).then(|| items[limit - 1].id.to_string());
            items.truncate(limit);
            Ok(Page { items, next })
        });
        query.await
    }

    async fn delete_account(
        &self,
        user: UserId,
        version: u64,
        event: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let commit = self.0.commit("users.delete_account", |state| {
            state.users.check_admins(user)?;
            if state.users.user(user).is_none_or(|stored| stored.version != version) {
                return Ok(None);
            }
            state.users.delete(user)?;
            state.outbox.add(event);
            Ok(Some(state.users.end_logins(user, None)))
        });
        commit.await
    }

    async fn erase_account(
        &self,
        user: UserId,
        proven: Option<&str>,
        deleted: &Event,
        erased: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let commit = self.0.commit("users.erase_account", |state| {
            state.users.check_admins(user)?;
            state.users.check_proven(user, proven)?;
            let Some(versions) = state.users.erase(user) else { return Ok(None) };
            // The deletion has no event if it was before.
            let events = [deleted, erased].into_iter().rev().zip(versions.iter().rev()).collect::<Vec<_>>();
            for (event, sequence) in events.into_iter().rev() {
                state.outbox.add(&Event { sequence: *sequence, ..event.clone() });
            }
            Ok(Some(state.users.end_logins(user, None)))
        });
        commit.await
    }
}
