//! Saved payment methods. Each statement that changes them locks the row of the gateway's customer first, and methods after it: a deleted user
//! saves none, and no two statements wait for each other.

use super::{
    PgPayments,
    fragments::{insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    params::params,
    rows::{get, json, only, parsed},
};
use domain::{
    id::{PaymentMethodId, UserId},
    saved_method::{self, MAX_SAVED_METHODS, SavedMethod},
    text::PaymentMethod,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Bus, MethodOwner, SavedMethodStore};
use tokio_postgres::{Row, types::Json};

const CUSTOMER: &str = "SELECT customer, is_deleted FROM gateway_customers WHERE user_id = $1";

const SAVE_CUSTOMER: &str = "
    INSERT INTO gateway_customers AS known (user_id, customer) VALUES ($1, $2)
    ON CONFLICT (user_id) DO UPDATE SET customer = coalesce(known.customer, excluded.customer) WHERE NOT known.is_deleted
    RETURNING customer, is_deleted";

/// The methods are counted after the customer is locked, by a function that sees what was committed until then.
const SAVE: &str = concat!(
    "WITH known AS (
        SELECT FROM idempotency WHERE scope = $1 AND key = $2 AND expires_at > now()
    ), owner AS (
        SELECT user_id FROM gateway_customers
        WHERE user_id = $7 AND customer IS NOT NULL AND NOT is_deleted AND NOT EXISTS (SELECT FROM known) FOR UPDATE
    ), room AS MATERIALIZED (
        SELECT user_id, may_save_method(user_id, $8, $11) AS has_room FROM owner
    ), saved AS (
        INSERT INTO saved_methods AS old (id, user_id, token, card, created_at) SELECT $6, user_id, $8, $9, $10 FROM room WHERE has_room
        ON CONFLICT (token) DO UPDATE SET user_id = excluded.user_id WHERE old.user_id = excluded.user_id
        RETURNING id, user_id, created_at
    ), chosen AS (
        UPDATE gateway_customers AS c SET default_method = coalesce(c.default_method, saved.id)
        FROM saved WHERE c.user_id = saved.user_id RETURNING default_method
    ), ",
    insert_idempotency_record!(body "replace($5, $6::text, saved.id::text)", from "saved WHERE $2::text IS NOT NULL"),
    select_idempotency_outcome!(
        with "(SELECT id FROM saved) AS saved, (SELECT created_at FROM saved) AS saved_at,
            (SELECT default_method FROM chosen) AS default_method, EXISTS (SELECT FROM owner) AS has_owner,
            EXISTS (SELECT FROM room WHERE NOT has_room) AS is_full"
    ),
);

const METHODS: &str = "
    SELECT id, user_id, token, card, created_at, coalesce(id = default_method, false) AS is_default
    FROM saved_methods JOIN gateway_customers USING (user_id)
    WHERE user_id = $1 AND ($2 IS NULL OR id = $2) ORDER BY created_at, id";

const OWNER: &str = "
    SELECT user_id, customer FROM saved_methods JOIN gateway_customers USING (user_id) WHERE token = $1 AND customer IS NOT NULL";

/// Locks the method, too, so that one is not found that a [`REMOVE`] deleted while the lock of the customer was waited for.
const MAKE_DEFAULT: &str = "
    WITH owner AS (
        SELECT user_id FROM gateway_customers WHERE user_id = $1 FOR UPDATE
    ), one AS (
        SELECT id, user_id, token, card, created_at FROM saved_methods JOIN owner USING (user_id) WHERE id = $2
        FOR KEY SHARE OF saved_methods
    ), chosen AS (
        UPDATE gateway_customers AS c SET default_method = one.id FROM one WHERE c.user_id = one.user_id
    )
    SELECT *, true AS is_default FROM one";

/// The default is compared in `SET`, which reads the current row: a condition would find the row only if the snapshot had this default.
const REMOVE: &str = "
    WITH owner AS (
        SELECT user_id FROM gateway_customers WHERE user_id = $1 FOR UPDATE
    ), gone AS (
        DELETE FROM saved_methods AS m USING owner WHERE m.user_id = owner.user_id AND m.id = $2 RETURNING m.user_id, m.id
    )
    UPDATE gateway_customers AS c SET default_method = nullif(c.default_method, gone.id) FROM gone WHERE c.user_id = gone.user_id";

/// PostgreSQL runs the deletions, which nothing reads, after the statement that locks the customer.
///
/// A payment that awaits approval is updated even without a reason: the update waits for a decision that is being stored and removes its reason, or
/// gives the payment a version that the decision does not expect.
const FORGET: &str = "
    WITH gone AS (
        DELETE FROM saved_methods WHERE user_id = $1
    ), silent AS (
        UPDATE payments AS p SET version = p.version + 1, approvals = without_reasons(p.approvals)
        WHERE p.user_id = $1 AND (jsonb_path_exists(p.approvals, '$[*].decision.reason') OR p.awaits_approval_since IS NOT NULL)
    )
    INSERT INTO gateway_customers AS known (user_id, is_deleted) VALUES ($1, true)
    ON CONFLICT (user_id) DO UPDATE SET is_deleted = true, default_method = NULL
    RETURNING customer";

/// Also deletes a method that a concurrent request saved while [`FORGET`] ran, in the same order.
const FORGET_CUSTOMER: &str = "
    WITH gone AS (
        DELETE FROM saved_methods WHERE user_id = $1
    )
    UPDATE gateway_customers SET customer = NULL WHERE user_id = $1 AND is_deleted";

impl<B: Bus> SavedMethodStore for PgPayments<B> {
    async fn find_method_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        idempotency::find_response(self.relay.database(), key).await
    }

    async fn customer(&self, user: UserId) -> Result<Option<String>, Failure> {
        let rows = self.relay.database().query(CUSTOMER, &params![user.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        if get(row, "is_deleted")? { Err(Failure::not_found("user")) } else { get(row, "customer") }
    }

    async fn save_customer(&self, user: UserId, customer: &str) -> Result<String, Failure> {
        let rows = self.relay.database().query(SAVE_CUSTOMER, &params![user.0, customer]).await?;
        get(rows.first().ok_or_else(|| Failure::not_found("user"))?, "customer")
    }

    async fn save_method(
        &self,
        method: &SavedMethod,
        response: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<(SavedMethod, IdempotencyOutcome), Failure> {
        let (key, reply) = response.unzip();
        let params = params![
            key.map(|key| key.scope.as_str()),
            key.map(|key| key.key.as_str()),
            key.map(|key| key.fingerprint.as_str()),
            reply.map(idempotency::reply_head),
            reply.map(|reply| reply.body.as_str()),
            method.id.0,
            method.user_id.0,
            method.token.as_str(),
            Json(&method.card),
            method.created_at,
            i64::try_from(MAX_SAVED_METHODS).map_err(Failure::internal)?,
        ];
        let rows = self.relay.database().query(SAVE, &params).await?;
        let row = only(&rows)?;
        let outcome = match key {
            Some(key) => idempotency::outcome(key, &rows)?,
            None => None,
        };
        match (get::<Option<Uuid>>(row, "saved")?, outcome) {
            (Some(id), outcome) => {
                let created_at = get::<Timestamp>(row, "saved_at")?;
                let is_default = get::<Option<Uuid>>(row, "default_method")? == Some(id);
                let saved = SavedMethod { id: PaymentMethodId(id), is_default, created_at, ..method.clone() };
                Ok((saved, outcome.unwrap_or(IdempotencyOutcome::Committed)))
            }
            (None, Some(outcome)) => Ok((method.clone(), outcome)),
            (None, None) if get(row, "is_full")? => Err(saved_method::too_many()),
            (None, None) if get(row, "has_owner")? => Err(Failure::field("/payment_method", "cannot be saved")),
            (None, None) => Err(Failure::not_found("user")),
        }
    }

    async fn methods(&self, user: UserId) -> Result<Vec<SavedMethod>, Failure> {
        let rows = self.relay.database().query(METHODS, &params![user.0, None::<Uuid>]).await?;
        rows.iter().map(read).collect()
    }

    async fn method(&self, user: UserId, id: PaymentMethodId) -> Result<Option<SavedMethod>, Failure> {
        let rows = self.relay.database().query(METHODS, &params![user.0, Some(id.0)]).await?;
        rows.first().map(read).transpose()
    }

    async fn owner(&self, token: &PaymentMethod) -> Result<MethodOwner, Failure> {
        let rows = self.relay.database().query(OWNER, &params![token.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(MethodOwner::Nobody) };
        Ok(MethodOwner::User { user: UserId(get(row, "user_id")?), customer: get(row, "customer")? })
    }

    async fn make_default(&self, user: UserId, id: PaymentMethodId) -> Result<Option<SavedMethod>, Failure> {
        let rows = self.relay.database().query(MAKE_DEFAULT, &params![user.0, id.0]).await?;
        rows.first().map(read).transpose()
    }

    async fn remove_method(&self, user: UserId, id: PaymentMethodId) -> Result<(), Failure> {
        self.relay.database().query(REMOVE, &params![user.0, id.0]).await.map(drop)
    }

    async fn forget_methods(&self, user: UserId) -> Result<Option<String>, Failure> {
        let rows = self.relay.database().query(FORGET, &params![user.0]).await?;
        get(only(&rows)?, "customer")
    }

    async fn forget_customer(&self, user: UserId) -> Result<(), Failure> {
        self.relay.database().query(FORGET_CUSTOMER, &params![user.0]).await.map(drop)
    }
}

fn read(row: &Row) -> Result<SavedMethod, Failure> {
    Ok(SavedMethod {
        id: PaymentMethodId(get(row, "id")?),
        user_id: UserId(get(row, "user_id")?),
        token: parsed(row, "token", PaymentMethod::parse)?,
        card: json(row, "card")?,
        is_default: get(row, "is_default")?,
        created_at: get(row, "created_at")?,
    })
}
