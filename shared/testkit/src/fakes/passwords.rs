//! In-memory fakes of password hashing, and of passwords that change.

use super::{Dependency, Passwords, Users, budgets::take, identity::UsersState};
use crate::hex;
use domain::{
    Event,
    id::{SessionId, UserId},
    password_reset::{MAX_ATTEMPTS, PasswordReset, request_budget},
    text::Email,
    user::Password,
    verification::ContactKind,
};
use kernel::{Failure, Timestamp, Uuid};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// With selector, expiry and the number of attempts.
pub(super) type Resets = BTreeMap<Uuid, (PasswordReset, String, Timestamp, i32)>;

impl UsersState {
    /// Whether there is such a token and its user may log in and has the address to which it was mailed.
    fn is_valid_reset(&self, id: Uuid) -> bool {
        let found = self.resets.get(&id).map(|(one, ..)| one);
        found.is_some_and(|one| {
            self.is_active(one.user_id) && self.user(one.user_id).is_some_and(|user| user.email == one.email)
        })
    }

    fn set_password(&mut self, user: UserId, hash: &str) -> Result<(), Failure> {
        self.account(user)?.password_hash = hash.to_owned();
        self.resets.retain(|_, (one, ..)| one.user_id != user);
        Ok(())
    }
}

impl ports::PasswordStore for Users {
    async fn change_password(
        &self,
        user: UserId,
        old: &str,
        new: &str,
        keep: SessionId,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let commit = self.0.commit("users.change_password", |state| {
            let users = &mut state.users;
            if !users.is_active(user) || users.account(user)?.password_hash != old {
                return Ok(None);
            }
            users.set_password(user, new)?;
            Ok(Some(users.end_logins(user, Some(keep))))
        });
        commit.await
    }

    async fn request_reset(&self, email: &Email, event: &Event) -> Result<(), Failure> {
        let commit = self.0.commit("users.request_reset", |state| {
            let counter = format!("reset {}", email.as_str());
            if take(&mut state.users.message_budgets, counter, request_budget(), event.time)? {
                state.outbox.add(event);
            }
            Ok(())
        });
        commit.await
    }

    async fn find_resettable(&self, email: &Email) -> Result<Option<UserId>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let users = &state.users;
            let mut active = users.active().into_iter().filter_map(|id| users.user(id));
            let is_named =
                |user: &&domain::user::User| user.email == *email && user.verified.contains(&ContactKind::Email);
            Ok(active.find(is_named).map(|user| user.id))
        });
        query.await
    }

    async fn store_reset(&self, reset: &PasswordReset, selector: &str, expires_at: Timestamp) -> Result<(), Failure> {
        let commit = self.0.commit("users.store_reset", |state| {
            state.users.resets.insert(reset.id, (reset.clone(), selector.to_owned(), expires_at, 0));
            Ok(())
        });
        commit.await
    }

    async fn try_reset(&self, selector: &str, now: Timestamp) -> Result<Vec<PasswordReset>, Failure> {
        let commit = self.0.commit("users.try_reset", |state| {
            let users = &mut state.users;
            let valid: Vec<Uuid> = users.resets.keys().copied().filter(|id| users.is_valid_reset(*id)).collect();
            let mut tried = Vec::new();
            for (one, known, expires_at, attempts) in users.resets.values_mut() {
                let may_be_tried = known == selector && *expires_at > now && *attempts < MAX_ATTEMPTS;
                if may_be_tried && valid.contains(&one.id) {
                    *attempts += 1;
                    tried.push(one.clone());
                }
            }
            for one in &mut tried {
                let user = &users.account(one.user_id)?.user;
                (one.username, one.full_name) = (user.username.clone(), user.full_name.clone());
            }
            Ok(tried)
        });
        commit.await
    }

    async fn reset_password(&self, reset: &PasswordReset, new: &str) -> Result<Option<Vec<SessionId>>, Failure> {
        let commit = self.0.commit("users.reset_password", |state| {
            let users = &mut state.users;
            if !users.is_valid_reset(reset.id) {
                return Ok(None);
            }
            users.set_password(reset.user_id, new)?;
            Ok(Some(users.end_logins(reset.user_id, None)))
        });
        commit.await
    }
}

/// A string in PHC format that protects nothing.
pub(super) fn fake_hash(salt: &str, password: &str) -> String {
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

impl ports::PasswordStrength for Passwords {
    /// Whether it is a common password or a word of the account, and less than five other characters.
    fn is_guessable(&self, password: &Password, known: &[&str]) -> bool {
        let secret = password.expose().to_lowercase();
        let is_most = |word: &str| secret.contains(word) && secret.chars().count() - word.chars().count() < 5;
        known.iter().any(|word| is_most(&word.to_lowercase())) || ["password", "1234567890"].into_iter().any(is_most)
    }
}
