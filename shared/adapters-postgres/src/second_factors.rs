//! Second factors, and logins that are to be finished with one.

use super::{
    PgUsers,
    fragments::insert_event,
    params::params,
    rows::{get, json_if, only},
    users::unchanged_account,
};
use domain::{
    Event,
    id::{SessionId, UserId},
    login_throttle, profile,
    second_factor::{MAX_ATTEMPTS, MfaPolicy, Totp},
    user::Role,
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Bus, CodeAttempt, Credentials, FactorStore};
use tokio_postgres::types::Json;

/// A concurrent change of the password is waited for, and then compared; one that comes later ends what was begun.
const BEGIN: &str = "
    WITH owner AS MATERIALIZED (
        SELECT id FROM users WHERE id = $1 AND status = 'active' AND password_hash = $4 FOR SHARE
    ), begun AS (
        INSERT INTO totp AS known (user_id, sealed, created_at) SELECT id, $2, $3 FROM owner
        ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at, last_step = 0
        WHERE NOT known.is_active
        RETURNING user_id
    )
    SELECT EXISTS (SELECT FROM owner) AS is_proven, EXISTS (SELECT FROM begun) AS is_begun";

const GET: &str = "SELECT sealed, is_active FROM totp WHERE user_id = $1";

/// The row of the user is locked first, as wherever logins end, and changed: a login that ends meanwhile waits, and finds that.
const ACTIVATE: &str = "
    WITH owner AS MATERIALIZED (
        SELECT id FROM users WHERE id = $1 AND status = 'active' FOR NO KEY UPDATE
    ), activated AS (
        UPDATE totp SET is_active = true, last_step = $3 FROM owner
        WHERE totp.user_id = owner.id AND totp.sealed = $2 AND NOT totp.is_active
        RETURNING totp.user_id
    ), marked AS (
        UPDATE users SET has_second_factor = true WHERE id = (SELECT user_id FROM activated)
    ), codes AS (
        INSERT INTO recovery_codes (user_id, number, digest)
        SELECT user_id, number, digest FROM activated, unnest($4::text[]) WITH ORDINALITY AS new (digest, number)
    )
    SELECT user_id FROM activated";

/// Of two requests, the second waits for the codes of the first, and replaces them. The factor is locked before its codes, as its removal does.
const RENEW: &str = "
    WITH protected AS MATERIALIZED (
        SELECT user_id FROM totp WHERE user_id = $1 AND is_active FOR KEY SHARE
    ), codes AS (
        INSERT INTO recovery_codes (user_id, number, digest)
        SELECT user_id, number, digest FROM protected, unnest($2::text[]) WITH ORDINALITY AS new (digest, number)
        ON CONFLICT (user_id, number) DO UPDATE SET digest = excluded.digest
    )
    SELECT user_id FROM protected";

/// Ends the logins of the account but for the session `$4`, if its role is one of `$3`. The row of the user is locked first, as wherever logins end.
const REMOVE: &str = concat!(
    "WITH owner AS MATERIALIZED (
        SELECT id, role, password_hash, version FROM users WHERE id = $1 AND erased_at IS NULL FOR NO KEY UPDATE
    ), removed AS (
        DELETE FROM totp USING owner
        WHERE totp.user_id = owner.id AND owner.password_hash = coalesce($5, owner.password_hash)
        RETURNING totp.user_id, owner.role, owner.version
    ), marked AS (
        UPDATE users SET has_second_factor = false WHERE id = (SELECT user_id FROM removed)
    ), ended AS (
        SELECT end_logins(user_id, $4) AS sessions FROM removed WHERE role = ANY ($3::text[])
    ), ",
    insert_event!("jsonb_set($2, '{sequence}', to_jsonb(removed.version))", from "removed"),
    " SELECT (SELECT event FROM inserted_events) AS event, EXISTS (SELECT FROM owner WHERE password_hash <> $5) AS has_another_password,
        coalesce((SELECT sessions FROM ended), '{}') AS ended",
);

/// `$2` is now, `$3` the seconds that a code costs the account, and `$4` how many it may be ahead. The condition of the update is evaluated on the
/// row as concurrent attempts left it.
const TRY_CODE: &str = "
    WITH tried AS (
        UPDATE totp SET codes_refilled_at = greatest(codes_refilled_at, $2::timestamptz) + make_interval(secs => $3)
        WHERE user_id = $1 AND is_active
            AND (codes_refilled_at IS NULL OR codes_refilled_at <= $2 + make_interval(secs => $4))
        RETURNING sealed
    )
    SELECT (SELECT sealed FROM tried) AS sealed, codes_refilled_at - make_interval(secs => $4) AS until
    FROM totp WHERE user_id = $1 AND is_active";

const USE_STEP: &str = "
    UPDATE totp SET last_step = $2, codes_refilled_at = codes_refilled_at - make_interval(secs => $3)
    WHERE user_id = $1 AND is_active AND last_step < $2 RETURNING user_id";

const USE_RECOVERY_CODE: &str = "DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2 RETURNING user_id";

const STORE_LOGIN: &str = concat!(
    "WITH cleaned AS (
        DELETE FROM pending_logins WHERE user_id = $2 AND expires_at <= $3
    ), owner AS (",
    unchanged_account!("$2", "$5", "$6", "$7"),
    ") INSERT INTO pending_logins (digest, user_id, expires_at) SELECT $1, id, $4 FROM owner RETURNING user_id",
);

const TRY_LOGIN: &str = "
    UPDATE pending_logins SET attempts = attempts + 1
    WHERE digest = $1 AND expires_at > $2 AND attempts < $3
    RETURNING user_id";

const FINISH_LOGIN: &str = "DELETE FROM pending_logins WHERE digest = $1 RETURNING user_id";

impl<B: Bus> FactorStore for PgUsers<B> {
    async fn begin_totp(&self, user: UserId, proven: &str, sealed: &str, now: Timestamp) -> Result<bool, Failure> {
        let rows = self.relay.database().query(BEGIN, &params![user.0, sealed, now, proven]).await?;
        let row = only(&rows)?;
        match get(row, "is_proven")? {
            true => get(row, "is_begun"),
            false => Err(profile::wrong_current_password()),
        }
    }

    async fn totp(&self, user: UserId) -> Result<Option<Totp>, Failure> {
        let rows = self.relay.database().query(GET, &params![user.0]).await?;
        let read = |row| Ok(Totp { sealed: get(row, "sealed")?, is_active: get(row, "is_active")? });
        rows.first().map(read).transpose()
    }

    async fn activate_totp(&self, user: UserId, sealed: &str, step: i64, digests: &[String]) -> Result<bool, Failure> {
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        let rows = self.relay.database().query(ACTIVATE, &params![user.0, sealed, step, digests]).await?;
        Ok(!rows.is_empty())
    }

    async fn renew_recovery_codes(&self, user: UserId, digests: &[String]) -> Result<bool, Failure> {
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        let rows = self.relay.database().query(RENEW, &params![user.0, digests]).await?;
        Ok(!rows.is_empty())
    }

    async fn remove_totp(
        &self,
        user: UserId,
        policy: &MfaPolicy,
        own: Option<(&str, SessionId)>,
        event: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let roles: Vec<&str> = policy.roles().iter().copied().map(Role::name).collect();
        let (proven, keep) = own.map(|(proven, session)| (proven, session.0)).unzip();
        let rows = self.relay.database().query(REMOVE, &params![user.0, Json(event), roles, keep, proven]).await?;
        let row = only(&rows)?;
        if get(row, "has_another_password")? {
            return Err(profile::wrong_current_password());
        }
        let Some(removed) = json_if::<Event>(row, "event")? else { return Ok(None) };
        let ended: Vec<Uuid> = get(row, "ended")?;
        self.relay.publish(&[removed]).await;
        Ok(Some(ended.into_iter().map(SessionId).collect()))
    }

    async fn try_code(&self, user: UserId, now: Timestamp) -> Result<CodeAttempt, Failure> {
        let (interval, ahead) = (f64::from(login_throttle::CODE_INTERVAL_S), f64::from(login_throttle::CODE_AHEAD_S));
        let rows = self.relay.database().query(TRY_CODE, &params![user.0, now, interval, ahead]).await?;
        let Some(row) = rows.first() else { return Ok(CodeAttempt::Inactive) };
        match get(row, "sealed")? {
            Some(sealed) => Ok(CodeAttempt::Granted(sealed)),
            None => Ok(CodeAttempt::Refused(get(row, "until")?)),
        }
    }

    async fn use_step(&self, user: UserId, step: i64) -> Result<bool, Failure> {
        let params = params![user.0, step, f64::from(login_throttle::CODE_INTERVAL_S)];
        let rows = self.relay.database().query(USE_STEP, &params).await?;
        Ok(!rows.is_empty())
    }

    async fn use_recovery_code(&self, user: UserId, digest: &str) -> Result<bool, Failure> {
        let rows = self.relay.database().query(USE_RECOVERY_CODE, &params![user.0, digest]).await?;
        Ok(!rows.is_empty())
    }

    async fn store_login(
        &self,
        digest: &str,
        checked: &Credentials,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, Failure> {
        let Credentials { user_id, role, password_hash, has_second_factor } = checked;
        let params = params![digest, user_id.0, now, expires_at, password_hash, role.name(), *has_second_factor];
        Ok(!self.relay.database().query(STORE_LOGIN, &params).await?.is_empty())
    }

    async fn try_login(&self, digest: &str, now: Timestamp) -> Result<Option<UserId>, Failure> {
        let rows = self.relay.database().query(TRY_LOGIN, &params![digest, now, MAX_ATTEMPTS]).await?;
        rows.first().map(|row| get(row, "user_id").map(UserId)).transpose()
    }

    async fn finish_login(&self, digest: &str) -> Result<bool, Failure> {
        let rows = self.relay.database().query(FINISH_LOGIN, &params![digest]).await?;
        Ok(!rows.is_empty())
    }
}
