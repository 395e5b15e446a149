//! In-memory fake of accounts as their users and admins see and change them.

use super::{Dependency, Users};
use domain::{
    Event,
    id::{SessionId, UserId},
    user::User,
};
use kernel::Failure;

impl ports::AccountStore for Users {
    async fn account(&self, user: UserId) -> Result<Option<User>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.users.user(user).cloned())).await
    }

    async fn update_account(&self, user: &User, event: &Event) -> Result<bool, Failure> {
        let commit = self.0.commit("users.update_account", |state| {
            if state.users.user(user.id).is_none_or(|stored| stored.version + 1 != user.version) {
                return Ok(false);
            }
            state.users.check_taken(user, Some(user.id))?;
            state.users.account(user.id)?.user = user.clone();
            state.outbox.add(event);
            Ok(true)
        });
        commit.await
    }

    async fn delete_account(
        &self,
        user: UserId,
        version: u64,
        event: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let commit = self.0.commit("users.delete_account", |state| {
            if state.users.user(user).is_none_or(|stored| stored.version != version) {
                return Ok(None);
            }
            state.users.delete(user)?;
            state.outbox.add(event);
            Ok(Some(state.users.end_sessions(user)))
        });
        commit.await
    }
}
