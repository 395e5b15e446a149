//! User accounts and sessions.

use super::{
    Database, Relay,
    errors::QueryError,
    fragments::{insert_event, insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    params::params,
    rows::{bigint, get, only, word},
};
use domain::{
    Event,
    id::{SessionId, UserId},
    login_throttle,
    message_limits::Budget,
    user::{Role, User},
};
use kernel::{Failure, FailureKind, FieldError, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{Bus, Credentials, LoginAttempt, LoginCounters, LoginName, RefreshToken, UserStore};
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

/// `$1` is the counter of the source, `$2` is now, `$3` and `$4` the seconds that a registration costs the source and how many it may be ahead.
const COUNT_REGISTRATION: &str = "
    WITH counted AS (
        INSERT INTO login_sources AS known (counter, expires_at) VALUES ($1, $2::timestamptz + make_interval(secs => $3))
        ON CONFLICT (counter) DO UPDATE SET expires_at = greatest(known.expires_at, $2) + make_interval(secs => $3)
        WHERE known.expires_at <= $2 + make_interval(secs => $4)
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM counted) AS counted,
        (SELECT expires_at - make_interval(secs => $4) FROM login_sources WHERE counter = $1) AS until";

/// The common table expressions of a statement that counts an attempt and then reads what it is checked against.
///
/// `$2` and `$3` are the counters of the name with the source and of the source, `$4` is now, `$5` the delays after each number of
/// failures, `$6` the seconds for which failures are remembered, `$7` and `$8` the seconds that a failure costs a source and how many it may
/// be ahead.
///
/// An attempt counts in `attempts`, and then in `sources`, if neither refuses it; the conditions of the updates are evaluated on the rows as
/// concurrent attempts left them. Only an attempt that was counted reads the account. Without a delay there is no `not_before`: the clock of
/// another attempt may be ahead.
macro_rules! reserve_attempt {
    () => {
        "WITH refused AS (
        SELECT max(until) AS until FROM (
            SELECT not_before AS until FROM login_attempts WHERE counter = $2 AND expires_at > $4
            UNION ALL
            SELECT expires_at - make_interval(secs => $8) FROM login_sources WHERE counter = $3
        ) AS known WHERE until > $4
    ), attempts AS (
        INSERT INTO login_attempts AS known (counter, failures, not_before, expires_at)
        SELECT $2, 1, $4 + make_interval(secs => nullif(($5::integer[])[1], 0)), $4 + make_interval(secs => $6)
        FROM refused WHERE until IS NULL
        ON CONFLICT (counter) DO UPDATE SET
            failures = CASE WHEN known.expires_at > $4 THEN known.failures + 1 ELSE 1 END,
            not_before = $4 + make_interval(secs => nullif(($5::integer[])[
                least(CASE WHEN known.expires_at > $4 THEN known.failures + 1 ELSE 1 END, cardinality($5::integer[]))], 0)),
            expires_at = excluded.expires_at
        WHERE known.not_before IS NULL OR known.not_before <= $4 OR known.expires_at <= $4
        RETURNING 1
    ), sources AS (
        INSERT INTO login_sources AS known (counter, expires_at)
        SELECT $3, $4 + make_interval(secs => $7) FROM attempts
        ON CONFLICT (counter) DO UPDATE SET expires_at = greatest(known.expires_at, $4) + make_interval(secs => $7)
        WHERE known.expires_at <= $4 + make_interval(secs => $8)
        RETURNING 1
    ), attempt AS (
        SELECT EXISTS (SELECT FROM sources) AS granted, (SELECT until FROM refused) AS until
    ) "
    };
}
pub(super) use reserve_attempt;

const RESERVE_LOGIN: &str = concat!(
    reserve_attempt!(),
    "SELECT granted, until, id, role, password_hash, has_second_factor
    FROM attempt LEFT JOIN users ON granted AND status = 'active' AND (email = $1 OR username = $1 OR id = $9)",
);

/// The account with this id, if it is active, has this password hash and this role, and has a second factor or not as before. A concurrent change
/// of the account is waited for, and then compared: all of it is in the row that is locked. One that comes later waits, and finds what the
/// statement has stored (`identity.end_logins`).
macro_rules! unchanged_account {
    ($id:literal, $hash:literal, $role:literal, $has_second_factor:literal) => {
        concat!(
            "SELECT id FROM users WHERE id = ",
            $id,
            " AND status = 'active' AND password_hash = ",
            $hash,
            " AND role = ",
            $role,
            " AND has_second_factor = ",
            $has_second_factor,
            " FOR SHARE"
        )
    };
}
pub(super) use unchanged_account;

/// The rows are changed in the order of `RESERVE_LOGIN`, so that the two never wait for each other.
const BEGIN_SESSION: &str = concat!(
    "WITH owner AS (",
    unchanged_account!("$1", "$9", "$10", "$11"),
    "), forgotten AS (
        DELETE FROM login_attempts WHERE counter = $5 AND EXISTS (SELECT FROM owner) RETURNING 1
    ), refunded AS (
        UPDATE login_sources SET expires_at = expires_at - make_interval(secs => $7)
        WHERE counter = $6 AND EXISTS (SELECT FROM owner) AND (SELECT count(*) FROM forgotten) >= 0
    ), cleaned AS (
        DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $3
    )
    INSERT INTO sessions (id, user_id, digest, created_at, refreshed_at, expires_at) SELECT $8, id, $2, $3, $3, $4 FROM owner
    RETURNING id",
);

const FORGET: &str = "
    WITH forgotten AS (
        DELETE FROM login_attempts WHERE counter = $1 RETURNING 1
    )
    UPDATE login_sources SET expires_at = expires_at - make_interval(secs => $3)
    WHERE counter = $2 AND (SELECT count(*) FROM forgotten) >= 0";

#[derive(Debug)]
pub struct PgUsers<B> {
    pub(super) relay: Relay<B>,
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
        let outcome = idempotency::stored_outcome(database, key, &rows).await?;
        if outcome == IdempotencyOutcome::Committed {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(outcome)
    }

    async fn count_registration(&self, source: &str, budget: Budget, now: Timestamp) -> Result<(), Failure> {
        let params = params![source, now, f64::from(budget.interval_s()), f64::from(budget.ahead_s())];
        let rows = self.relay.database().query(COUNT_REGISTRATION, &params).await?;
        let row = only(&rows)?;
        match get(row, "counted")? {
            true => Ok(()),
            false => Err(login_throttle::too_many_registrations(get(row, "until")?, budget, now)),
        }
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        idempotency::store_response(self.relay.database(), key, reply).await
    }

    async fn reserve_login(
        &self,
        account: LoginName<'_>,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<LoginAttempt, Failure> {
        let (name, id) = match account {
            LoginName::Typed(name) => (Some(name), None),
            LoginName::Id(user) => (None, Some(user.0)),
        };
        let params = params![
            name,
            &counters.name_and_source,
            &counters.source,
            now,
            login_throttle::delays(),
            f64::from(login_throttle::MEMORY_S),
            f64::from(login_throttle::SOURCE_INTERVAL_S),
            f64::from(login_throttle::SOURCE_INTERVAL_S * (login_throttle::SOURCE_BURST - 1)),
            id,
        ];
        let rows = self.relay.database().query(RESERVE_LOGIN, &params).await?;
        let row = only(&rows)?;
        if !get::<bool>(row, "granted")? {
            return Ok(LoginAttempt::Refused(get(row, "until")?));
        }
        let Some(id) = get(row, "id")? else { return Ok(LoginAttempt::Granted(None)) };
        Ok(LoginAttempt::Granted(Some(Credentials {
            user_id: UserId(id),
            role: word(row, "role", Role::parse)?,
            password_hash: get(row, "password_hash")?,
            has_second_factor: get(row, "has_second_factor")?,
        })))
    }

    async fn forget_attempt(&self, counters: &LoginCounters) -> Result<(), Failure> {
        let interval = f64::from(login_throttle::SOURCE_INTERVAL_S);
        let params = params![&counters.name_and_source, &counters.source, interval];
        self.relay.database().query(FORGET, &params).await.map(drop)
    }

    async fn begin_session(
        &self,
        session: SessionId,
        checked: &Credentials,
        counters: &LoginCounters,
        token: &RefreshToken,
    ) -> Result<bool, Failure> {
        let params = params![
            checked.user_id.0,
            &token.digest,
            token.issued_at,
            token.expires_at,
            &counters.name_and_source,
            &counters.source,
            f64::from(login_throttle::SOURCE_INTERVAL_S),
            session.0,
            &checked.password_hash,
            checked.role.name(),
            checked.has_second_factor,
        ];
        Ok(!self.relay.database().query(BEGIN_SESSION, &params).await?.is_empty())
    }
}

/// Names the unique field that is taken.
pub(super) fn taken(error: QueryError) -> Failure {
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
