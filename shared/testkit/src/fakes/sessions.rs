//! In-memory fakes of sessions and of their revocation.

use super::{Dependency, Revocations, Users, identity::UsersState};
use domain::{
    id::{SessionId, UserId},
    session::ActiveSession,
};
use kernel::{Failure, Timestamp};
use ports::{Page, RefreshToken, TokenRotation};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user_id: UserId,
    pub begun_at: Timestamp,
    pub token: RefreshToken,
    /// Those that were replaced.
    used: Vec<RefreshToken>,
}

impl Session {
    pub(super) fn new(user_id: UserId, token: &RefreshToken) -> Self {
        Self { user_id, begun_at: token.issued_at, token: token.clone(), used: Vec::new() }
    }

    fn summary(&self, id: SessionId) -> domain::session::Session {
        domain::session::Session {
            id,
            created_at: self.begun_at,
            refreshed_at: self.token.issued_at,
            expires_at: self.token.expires_at,
        }
    }
}

impl UsersState {
    /// Ends all sessions of a user, and returns them.
    pub(super) fn end_sessions(&mut self, user: UserId) -> Vec<SessionId> {
        self.end_where(|_, one| one.user_id == user)
    }

    /// Ends the logins of a user: those that are to be finished, and all sessions but `kept`. Returns the sessions.
    pub(super) fn end_logins(&mut self, user: UserId, kept: Option<SessionId>) -> Vec<SessionId> {
        self.factors.end_logins(user);
        self.end_where(|id, one| one.user_id == user && Some(id) != kept)
    }

    /// Ends the sessions for which this holds, and returns them.
    fn end_where(&mut self, is_meant: impl Fn(SessionId, &Session) -> bool) -> Vec<SessionId> {
        let ended: Vec<_> = self.sessions.extract_if(.., |id, one| is_meant(*id, one)).map(|(id, _)| id).collect();
        self.ended.extend(&ended);
        ended
    }
}

impl Users {
    /// The sessions of a user, oldest first.
    pub fn sessions(&self, user: UserId) -> Vec<Session> {
        self.0.inspect(|state| state.users.sessions.values().filter(|one| one.user_id == user).cloned().collect())
    }
}

impl ports::SessionStore for Users {
    async fn rotate_token(&self, old: &str, new: &RefreshToken) -> Result<TokenRotation, Failure> {
        let commit = self.0.commit("users.rotate_token", |state| {
            let users = &mut state.users;
            let is_active = users.active();
            let is_valid = |token: &RefreshToken| token.digest == old && token.expires_at > new.issued_at;
            if let Some((id, session)) = users.sessions.iter_mut().find(|(_, one)| is_valid(&one.token)) {
                let (id, user_id) = (*id, session.user_id);
                if !is_active.contains(&user_id) {
                    return Ok(TokenRotation::Unknown);
                }
                session.used.push(std::mem::replace(&mut session.token, new.clone()));
                let (role, has_second_factor) = (users.account(user_id)?.user.role, users.factors.is_active(user_id));
                return Ok(TokenRotation::Rotated(ActiveSession { id, user_id, role, has_second_factor }));
            }
            let reused = users.sessions.iter().find(|(_, one)| one.used.iter().any(is_valid)).map(|(id, _)| *id);
            let Some(id) = reused else { return Ok(TokenRotation::Unknown) };
            users.end_where(|one, _| one == id);
            Ok(TokenRotation::Reused(id))
        });
        commit.await
    }

    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<domain::session::Session>, Failure> {
        let after: Option<SessionId> = cursor
            .map(|text| text.parse().map_err(|_| Failure::field("?cursor", "is not a cursor of this list")))
            .transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            let mine = state.users.sessions.iter().rev().filter(|(id, one)| {
                one.user_id == user && one.token.expires_at > now && after.is_none_or(|after| **id < after)
            });
            let mut items: Vec<_> = mine.map(|(id, one)| one.summary(*id)).collect();
            let limit = usize::try_from(limit).map_err(Failure::internal)?;
            let next = (items.len() > limit).then(|| items[limit - 1].id.to_string());
            items.truncate(limit);
            Ok(Page { items, next })
        });
        query.await
    }

    async fn end_sessions(&self, user: UserId) -> Result<Vec<SessionId>, Failure> {
        let commit = self.0.commit("users.end_sessions", |state| Ok(state.users.end_sessions(user)));
        commit.await
    }

    async fn end_session(&self, user: UserId, session: SessionId) -> Result<bool, Failure> {
        let commit = self.0.commit("users.end_session", |state| {
            Ok(!state.users.end_where(|id, one| id == session && one.user_id == user).is_empty())
        });
        commit.await
    }

    async fn end_session_of_token(&self, digest: &str, now: Timestamp) -> Result<Option<SessionId>, Failure> {
        let commit = self.0.commit("users.end_session_of_token", |state| {
            let is_valid = |token: &RefreshToken| token.digest == digest && token.expires_at > now;
            let ended = state.users.end_where(|_, one| is_valid(&one.token) || one.used.iter().any(is_valid));
            Ok(ended.first().copied())
        });
        commit.await
    }

    async fn ended_sessions(&self, _now: Timestamp, limit: u32) -> Result<Vec<SessionId>, Failure> {
        let limit = usize::try_from(limit).map_err(Failure::internal)?;
        let newest = |ended: &[SessionId]| ended.iter().rev().take(limit).copied().collect();
        self.0.query(Dependency::Database, |state| Ok(newest(&state.users.ended))).await
    }
}

impl ports::Revocations for Revocations {
    async fn revoke(&self, sessions: &[SessionId]) -> bool {
        let step = self.0.step(Dependency::Cache, "revocations.revoke", |state| {
            state.revoked.extend(sessions);
            Ok(())
        });
        // As on Redis: what cannot be stored is lost.
        step.await.is_ok()
    }

    async fn is_revoked(&self, session: SessionId) -> bool {
        self.0.query(Dependency::Cache, |state| Ok(state.revoked.contains(&session))).await.unwrap_or_default()
    }
}
