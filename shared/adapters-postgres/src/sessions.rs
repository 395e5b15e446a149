//! Sessions: the families of refresh tokens.

use super::{
    PgUsers,
    params::params,
    rows::{get, word},
};
use domain::{
    id::{SessionId, UserId},
    session::{ActiveSession, Session},
    user::Role,
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Bus, Page, RefreshToken, SessionStore, TokenRotation};
use tokio_postgres::Row;

/// Replaces the token `$1` by `$2`, issued at `$3` and valid until `$4`. Of two requests with the same token, the second one waits, and then
/// finds the token of the first.
const ROTATE: &str = "
    WITH rotated AS (
        UPDATE sessions AS s SET digest = $2, refreshed_at = $3, expires_at = $4
        FROM users AS u, sessions AS old
        WHERE s.digest = $1 AND s.expires_at > $3 AND u.id = s.user_id AND u.status = 'active' AND old.id = s.id
        RETURNING s.id, s.user_id, u.role, u.has_second_factor, old.expires_at
    ), used AS (
        INSERT INTO used_refresh_tokens (digest, session_id, expires_at) SELECT $1, id, expires_at FROM rotated
    )
    SELECT id, user_id, role, has_second_factor FROM rotated";

/// Ends the session of the used token `$1`, if that has not expired at `$2`. It runs after a statement that has not found the token among the
/// current ones, so that it sees what a concurrent `ROTATE` committed.
const END_REUSED: &str = "
    DELETE FROM sessions USING used_refresh_tokens AS used
    WHERE used.digest = $1 AND used.expires_at > $2 AND sessions.id = used.session_id
    RETURNING sessions.id";

/// The sessions of `$1` that have not expired at `$2`, `$3` of them, after the session `$4` if it is given. Their ids are in the order of
/// their beginnings.
const LIST: &str = "
    SELECT id, created_at, refreshed_at, expires_at FROM sessions
    WHERE user_id = $1 AND expires_at > $2 AND ($4::uuid IS NULL OR id < $4)
    ORDER BY id DESC LIMIT $3";

const END_ALL: &str = "DELETE FROM sessions WHERE user_id = $1 RETURNING id";

const END: &str = "DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING id";

/// Ends the session of the token `$1` that has not expired at `$2`.
const END_OF_TOKEN: &str = "DELETE FROM sessions WHERE digest = $1 AND expires_at > $2 RETURNING id";

/// The triggers of sessions and clients insert the rows, whatever ends them.
const ENDED: &str = "
    SELECT session_id FROM ended_sessions WHERE expires_at > $1 ORDER BY expires_at DESC, session_id DESC LIMIT $2";

impl<B: Bus> SessionStore for PgUsers<B> {
    async fn rotate_token(&self, old: &str, new: &RefreshToken) -> Result<TokenRotation, Failure> {
        let database = self.relay.database();
        let params = params![old, &new.digest, new.issued_at, new.expires_at];
        if let Some(row) = database.query(ROTATE, &params).await?.first() {
            return Ok(TokenRotation::Rotated(ActiveSession {
                id: SessionId(get(row, "id")?),
                user_id: UserId(get(row, "user_id")?),
                role: word(row, "role", Role::parse)?,
                has_second_factor: get(row, "has_second_factor")?,
            }));
        }
        match database.query(END_REUSED, &params![old, new.issued_at]).await?.first() {
            Some(row) => Ok(TokenRotation::Reused(SessionId(get(row, "id")?))),
            None => Ok(TokenRotation::Unknown),
        }
    }

    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Session>, Failure> {
        let after = cursor.map(parse_cursor).transpose()?;
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let params = params![user.0, now, i64::from(limit) + 1, after];
        let rows = self.relay.database().query(LIST, &params).await?;
        let items: Vec<Session> = rows.iter().take(page_size).map(session).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > page_size).map(|last| last.id.to_string());
        Ok(Page { items, next })
    }

    async fn end_sessions(&self, user: UserId) -> Result<Vec<SessionId>, Failure> {
        let rows = self.relay.database().query(END_ALL, &params![user.0]).await?;
        rows.iter().map(|row| get(row, "id").map(SessionId)).collect()
    }

    async fn end_session(&self, user: UserId, session: SessionId) -> Result<bool, Failure> {
        Ok(!self.relay.database().query(END, &params![session.0, user.0]).await?.is_empty())
    }

    async fn end_session_of_token(&self, digest: &str, now: Timestamp) -> Result<Option<SessionId>, Failure> {
        for statement in [END_OF_TOKEN, END_REUSED] {
            if let Some(row) = self.relay.database().query(statement, &params![digest, now]).await?.first() {
                return get(row, "id").map(|id| Some(SessionId(id)));
            }
        }
        Ok(None)
    }

    async fn ended_sessions(&self, now: Timestamp, limit: u32) -> Result<Vec<SessionId>, Failure> {
        let rows = self.relay.database().query(ENDED, &params![now, i64::from(limit)]).await?;
        rows.iter().map(|row| get(row, "session_id").map(SessionId)).collect()
    }
}

fn session(row: &Row) -> Result<Session, Failure> {
    Ok(Session {
        id: SessionId(get(row, "id")?),
        created_at: get(row, "created_at")?,
        refreshed_at: get(row, "refreshed_at")?,
        expires_at: get(row, "expires_at")?,
    })
}

pub(super) fn parse_cursor(text: &str) -> Result<Uuid, Failure> {
    text.parse().map_err(|_| Failure::field("?cursor", "is not a cursor of this list"))
}
