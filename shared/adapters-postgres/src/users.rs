//! User accounts and sessions.

use super::{
    Database, Relay,
    errors::QueryError,
    fragments::{insert_event, insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    params::params,
    rows::{bigint, get, keyword},
};
use domain::{
    Event,
    id::UserId,
    user::{Role, User},
};
use kernel::{Failure, FailureKind, FieldError, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{Bus, Credentials, UserStore};
use std::sync::Arc;
use tokio_postgres::types::Json;

const REGISTER: &str = concat!(
    "WITH inserted AS (
        INSERT INTO users (id, email, username, password_hash, full_name, phone, address, role, version, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        RETURNING id
    ), ",
    insert_event!("$11", from "inserted"),
    " SELECT FROM inserted",
);

const REGISTER_ONCE: &str = concat!(
    "WITH ",
    insert_idempotency_record!(),
    ", inserted AS (
        INSERT INTO users (id, email, username, password_hash, full_name, phone, address, role, version, created_at)
        SELECT $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM recorded
        RETURNING id
    ), ",
    insert_event!("$16", from "inserted"),
    select_idempotency_outcome!(),
);

const CREDENTIALS: &str = "
    SELECT id, role, password_hash, locked_until FROM users WHERE email = $1 OR username = $1";

/// After a lock has ended (`$3` is now), counting starts again, and the old end of the lock is cleared for the next attempt.
const RECORD_FAILED_LOGIN: &str = "
    UPDATE users
    SET failed_logins = CASE WHEN locked_until <= $3 THEN 1 ELSE failed_logins + 1 END,
        locked_until = CASE
            WHEN CASE WHEN locked_until <= $3 THEN 1 ELSE failed_logins + 1 END >= $2 THEN $4
            WHEN locked_until > $3 THEN locked_until
        END
    WHERE id = $1";

const BEGIN_SESSION: &str = "
    WITH reset AS (
        UPDATE users SET failed_logins = 0, locked_until = NULL WHERE id = $1 AND (failed_logins > 0 OR locked_until IS NOT NULL)
    ), cleaned AS (
        DELETE FROM refresh_tokens WHERE user_id = $1 AND expires_at <= $3
    )
    INSERT INTO refresh_tokens (user_id, digest, created_at, expires_at) VALUES ($1, $2, $3, $4)";

#[derive(Debug)]
pub struct PgUsers<B> {
    relay: Relay<B>,
}

impl<B: Bus> PgUsers<B> {
    /// `database` logs in as the role of identity.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Identity, database, bus) }
    }
}

impl<B: Bus> UserStore for PgUsers<B> {
    async fn register(&self, user: &User, password_hash: &str, event: &Event) -> Result<(), Failure> {
        let params = params![
            user.id.0,
            user.email.as_str(),
            user.username.as_str(),
            password_hash,
            user.full_name.as_ref().map(|name| name.as_str()),
            user.phone.as_ref().map(|phone| phone.as_str()),
            user.address.as_ref().map(Json),
            user.role.name(),
            bigint(user.version)?,
            user.created_at,
            Json(event),
        ];
        self.relay.database().attempt(REGISTER, &params).await?.map_err(taken)?;
        self.relay.publish(std::slice::from_ref(event)).await;
        Ok(())
    }

    async fn register_once(
        &self,
        user: &User,
        password_hash: &str,
        event: &Event,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure> {
        let params = params![
            &key.scope,
            &key.key,
            &key.fingerprint,
            idempotency::reply_head(reply),
            &reply.body,
            user.id.0,
            user.email.as_str(),
            user.username.as_str(),
            password_hash,
            user.full_name.as_ref().map(|name| name.as_str()),
            user.phone.as_ref().map(|phone| phone.as_str()),
            user.address.as_ref().map(Json),
            user.role.name(),
            bigint(user.version)?,
            user.created_at,
            Json(event),
        ];
        let database = self.relay.database();
        let rows = database.attempt(REGISTER_ONCE, &params).await?.map_err(taken)?;
        let outcome = idempotency::settled(database, key, &rows).await?;
        if outcome == IdempotencyOutcome::Committed {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(outcome)
    }

    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        idempotency::store_rejection(self.relay.database(), key, reply).await
    }

    async fn credentials(&self, login: &str) -> Result<Option<Credentials>, Failure> {
        let rows = self.relay.database().query(CREDENTIALS, &params![login]).await?;
        let credentials = |row| {
            Ok(Credentials {
                user_id: UserId(get(row, "id")?),
                role: keyword(row, "role", Role::parse)?,
                password_hash: get(row, "password_hash")?,
                locked_until: get(row, "locked_until")?,
            })
        };
        rows.first().map(credentials).transpose()
    }

    async fn record_failed_login(
        &self,
        user: UserId,
        limit: u32,
        now: Timestamp,
        locked_until: Timestamp,
    ) -> Result<(), Failure> {
        let limit = i32::try_from(limit).map_err(Failure::internal)?;
        self.relay.database().query(RECORD_FAILED_LOGIN, &params![user.0, limit, now, locked_until]).await.map(drop)
    }

    async fn begin_session(
        &self,
        user: UserId,
        token_digest: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), Failure> {
        self.relay.database().query(BEGIN_SESSION, &params![user.0, token_digest, now, expires_at]).await.map(drop)
    }
}

/// Names the unique field that is taken.
fn taken(error: QueryError) -> Failure {
    let (pointer, code, detail) = match error.duplicate() {
        Some("users_email_taken") => ("/email", "email-taken", "An account with this e-mail address exists already."),
        Some("users_username_taken") => {
            ("/username", "username-taken", "An account with this username exists already.")
        }
        _ => return error.into(),
    };
    Failure {
        fields: vec![FieldError { pointer: pointer.to_owned(), detail: "is taken".to_owned() }],
        ..Failure::new(FailureKind::Conflict, code, detail)
    }
}
