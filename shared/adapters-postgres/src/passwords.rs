//! Changes of passwords, and the tokens with which a new one is set.

use super::{
    PgUsers,
    fragments::insert_event,
    params::params,
    rows::{get, only, parsed, parsed_if},
};
use domain::{
    Event,
    id::{SessionId, UserId},
    password_reset::{MAX_ATTEMPTS, PasswordReset, request_budget},
    text::{Email, FullName, Username},
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Bus, PasswordStore};
use tokio_postgres::{Row, types::Json};

const CHANGE: &str = "
    WITH changed AS (
        UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND status = 'active' RETURNING id
    ), ended AS (
        SELECT end_logins(id, $4) AS sessions FROM changed
    ), forgotten AS (
        DELETE FROM password_resets WHERE user_id = (SELECT id FROM changed)
    )
    SELECT sessions AS ended FROM ended";

/// `$2` is the counter of the address, `$3` the GCRA interval and `$4` the burst tolerance, both in seconds.
const REQUEST: &str = concat!(
    "WITH budget AS (
        INSERT INTO message_budgets AS known (counter, expires_at)
        VALUES ($2, ($1 ->> 'time')::timestamptz + make_interval(secs => $3))
        ON CONFLICT (counter) DO UPDATE SET
            expires_at = greatest(known.expires_at, ($1 ->> 'time')::timestamptz) + make_interval(secs => $3)
        WHERE known.expires_at <= ($1 ->> 'time')::timestamptz + make_interval(secs => $4)
        RETURNING 1
    ), ",
    insert_event!("$1", from "budget"),
    " SELECT EXISTS (SELECT FROM budget) AS is_new",
);

const RESETTABLE: &str =
    "SELECT id FROM users WHERE email = $1 AND email_verified_at IS NOT NULL AND status = 'active'";

const STORE: &str = "
    INSERT INTO password_resets (id, user_id, selector, digest, expires_at, address) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (id) DO UPDATE SET
        address = excluded.address, selector = excluded.selector, digest = excluded.digest,
        expires_at = excluded.expires_at, attempts = 0";

const TRY: &str = "
    UPDATE password_resets AS r SET attempts = r.attempts + 1
    FROM users AS u
    WHERE r.selector = $1 AND r.expires_at > $2 AND r.attempts < $3
        AND u.id = r.user_id AND u.status = 'active' AND u.email = r.address
    RETURNING r.id, r.user_id, r.digest, u.email, u.username, u.full_name";

/// The row of the user is locked before its tokens, as wherever both change. Of two requests with one token, the second waits for the first, and
/// then deletes nothing. One that waits for a change of the address finds another one, and changes nothing.
const RESET: &str = "
    WITH owner AS MATERIALIZED (
        SELECT id, email FROM users WHERE id = $2 AND status = 'active' FOR NO KEY UPDATE
    ), valid AS (
        SELECT owner.id FROM owner JOIN password_resets AS r ON r.user_id = owner.id WHERE r.id = $1 AND r.address = owner.email
    ), used AS (
        DELETE FROM password_resets WHERE user_id = (SELECT id FROM valid) RETURNING id
    ), changed AS (
        UPDATE users SET password_hash = $3 WHERE id = $2 AND EXISTS (SELECT FROM used WHERE id = $1) RETURNING id
    ), ended AS (
        SELECT end_logins(id, NULL) AS sessions FROM changed
    )
    SELECT sessions AS ended FROM ended";

impl<B: Bus> PasswordStore for PgUsers<B> {
    async fn change_password(
        &self,
        user: UserId,
        old: &str,
        new: &str,
        keep: SessionId,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let rows = self.relay.database().query(CHANGE, &params![user.0, old, new, keep.0]).await?;
        rows.first().map(ended).transpose()
    }

    async fn request_reset(&self, email: &Email, event: &Event) -> Result<(), Failure> {
        let params = params![
            Json(event),
            format!("reset {}", email.as_str()),
            f64::from(request_budget().interval_s()),
            f64::from(request_budget().ahead_s()),
        ];
        let rows = self.relay.database().query(REQUEST, &params).await?;
        if get(only(&rows)?, "is_new")? {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(())
    }

    async fn find_resettable(&self, email: &Email) -> Result<Option<UserId>, Failure> {
        let rows = self.relay.database().query(RESETTABLE, &params![email.as_str()]).await?;
        rows.first().map(|row| get(row, "id").map(UserId)).transpose()
    }

    async fn store_reset(&self, reset: &PasswordReset, selector: &str, expires_at: Timestamp) -> Result<(), Failure> {
        let params = params![reset.id, reset.user_id.0, selector, &reset.digest, expires_at, reset.email.as_str()];
        self.relay.database().query(STORE, &params).await.map(drop)
    }

    async fn try_reset(&self, selector: &str, now: Timestamp) -> Result<Vec<PasswordReset>, Failure> {
        let rows = self.relay.database().query(TRY, &params![selector, now, MAX_ATTEMPTS]).await?;
        let read = |row| {
            Ok(PasswordReset {
                id: get(row, "id")?,
                user_id: UserId(get(row, "user_id")?),
                digest: get(row, "digest")?,
                email: parsed(row, "email", Email::parse)?,
                username: parsed(row, "username", Username::parse)?,
                full_name: parsed_if(row, "full_name", FullName::parse)?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn reset_password(&self, reset: &PasswordReset, new: &str) -> Result<Option<Vec<SessionId>>, Failure> {
        let rows = self.relay.database().query(RESET, &params![reset.id, reset.user_id.0, new]).await?;
        rows.first().map(ended).transpose()
    }
}

fn ended(row: &Row) -> Result<Vec<SessionId>, Failure> {
    let ended: Vec<Uuid> = get(row, "ended")?;
    Ok(ended.into_iter().map(SessionId).collect())
}
