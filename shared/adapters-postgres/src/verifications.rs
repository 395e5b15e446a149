//! Verification of addresses: requests, tokens and the verified state of users.

use super::{
    PgUsers,
    fragments::{insert_event, insert_idempotency_record, select_idempotency_outcome, take_from_budget},
    idempotency,
    params::params,
    rows::{bigint, count, get, json, only, word},
};
use domain::{
    Event,
    id::UserId,
    message_limits::MessageBudgets,
    verification::{self, ContactKind, Contacts, MAX_ATTEMPTS, Verification},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{Bus, Claim, VerificationStore};
use tokio_postgres::types::Json;

const CONTACTS: &str = "
    SELECT email, phone, email_verified_at IS NOT NULL AS has_email, phone_verified_at IS NOT NULL AS has_phone
    FROM users WHERE id = $1 AND status <> 'deleted'";

/// `$7` and `$8` are the counters of user and address, with the seconds that a message costs and those that the counter may be ahead in
/// `$9` and `$10`, and in `$11` and `$12`. A repeated request counts nothing.
const REQUEST: &str = concat!(
    "WITH ",
    take_from_budget!(
        "customer", "$7", at "($6 ->> 'time')::timestamptz", "$9", "$10",
        "WHERE NOT EXISTS (SELECT FROM idempotency WHERE scope = $1 AND key = $2 AND expires_at > now())"
    ),
    ", ",
    take_from_budget!("address", "$8", at "($6 ->> 'time')::timestamptz", "$11", "$12", "FROM customer"),
    ", ",
    insert_idempotency_record!(from "address"),
    ", ",
    insert_event!(
        "jsonb_set($6, '{sequence}', coalesce((SELECT to_jsonb(version) FROM users WHERE id = ($6 ->> 'subject')::uuid), $6 -> 'sequence'))",
        from "recorded"
    ),
    select_idempotency_outcome!(with "(SELECT event FROM inserted_events) AS event"),
);

const WAS_SENT: &str = "SELECT count(*) AS known FROM inbox WHERE consumer = $1 AND event_id = $2";

const RECORD_SENT: &str = "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";

const STORE_TOKEN: &str = "
    INSERT INTO verifications (id, user_id, kind, address, selector, digest, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET
        selector = excluded.selector, digest = excluded.digest, expires_at = excluded.expires_at, attempts = 0";

const TRY: &str = "
    UPDATE verifications AS v SET attempts = v.attempts + 1
    FROM users AS u
    WHERE v.selector = $1 AND v.expires_at > $2 AND v.attempts < $3 AND u.id = v.user_id AND u.status <> 'deleted'
        AND v.address = CASE v.kind WHEN 'email' THEN u.email ELSE u.phone END
    RETURNING v.id, v.user_id, v.kind, v.address, v.digest, u.version";

const VERIFY: &str = concat!(
    "WITH verified AS (
        UPDATE users SET version = version + 1,
            email_verified_at = CASE $3 WHEN 'email' THEN ($5 ->> 'time')::timestamptz ELSE email_verified_at END,
            phone_verified_at = CASE $3 WHEN 'phone' THEN ($5 ->> 'time')::timestamptz ELSE phone_verified_at END
        WHERE id = $2 AND version = $4 AND EXISTS (SELECT FROM verifications WHERE id = $1)
        RETURNING id
    ), used AS (
        DELETE FROM verifications WHERE user_id = $2 AND kind = $3 AND EXISTS (SELECT FROM verified)
    ), ",
    insert_event!("$5", from "verified"),
    " SELECT EXISTS (SELECT FROM verified) AS is_new",
);

impl<B: Bus> VerificationStore for PgUsers<B> {
    async fn contacts(&self, user: UserId) -> Result<Option<Contacts>, Failure> {
        let rows = self.relay.database().query(CONTACTS, &params![user.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (email, phone): (bool, bool) = (get(row, "has_email")?, get(row, "has_phone")?);
        let known = [(ContactKind::Email, email), (ContactKind::Phone, phone)];
        let verified = known.into_iter().filter_map(|(kind, is_verified)| is_verified.then_some(kind)).collect();
        Ok(Some(Contacts { email: get(row, "email")?, phone: get(row, "phone")?, verified }))
    }

    async fn request_verification(
        &self,
        address: &str,
        event: &Event,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
        quota: &MessageBudgets,
    ) -> Result<IdempotencyOutcome, Failure> {
        // Without a key of the client, the id of the event stands for one: it is never repeated.
        let own = || IdempotencyKey {
            scope: event.event.row().name.to_owned(),
            key: event.id.to_string(),
            fingerprint: String::new(),
        };
        let key = &key.cloned().unwrap_or_else(own);
        let params = params![
            &key.scope,
            &key.key,
            &key.fingerprint,
            idempotency::reply_head(reply),
            &reply.body,
            Json(event),
            format!("user {}", event.subject),
            format!("address {address}"),
            f64::from(quota.per_customer.interval_s()),
            f64::from(quota.per_customer.ahead_s()),
            f64::from(quota.per_address.interval_s()),
            f64::from(quota.per_address.ahead_s()),
        ];
        let database = self.relay.database();
        let rows = database.query(REQUEST, &params).await?;
        let outcome = match idempotency::outcome(key, &rows)? {
            Some(outcome) => outcome,
            // Beyond a budget, or repeated at the same time.
            None => idempotency::find_response(database, key)
                .await?
                .ok_or_else(|| verification::too_many_requests(quota))?,
        };
        if outcome == IdempotencyOutcome::Committed {
            self.relay.publish(&[json(only(&rows)?, "event")?]).await;
        }
        Ok(outcome)
    }

    async fn find_request(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        idempotency::find_response(self.relay.database(), key).await
    }

    async fn was_token_sent(&self, claim: Claim) -> Result<bool, Failure> {
        let rows = self.relay.database().query(WAS_SENT, &params![claim.consumer, claim.event_id]).await?;
        Ok(count(only(&rows)?, "known")? > 0)
    }

    async fn store_token(
        &self,
        verification: &Verification,
        selector: &str,
        expires_at: Timestamp,
    ) -> Result<(), Failure> {
        let Verification { id, user_id, kind, address, digest, .. } = verification;
        let params = params![*id, user_id.0, kind.name(), address, selector, digest, expires_at];
        self.relay.database().query(STORE_TOKEN, &params).await.map(drop)
    }

    async fn record_token_sent(&self, claim: Claim) -> Result<(), Failure> {
        self.relay.database().query(RECORD_SENT, &params![claim.consumer, claim.event_id]).await.map(drop)
    }

    async fn try_token(&self, selector: &str, now: Timestamp) -> Result<Vec<Verification>, Failure> {
        let rows = self.relay.database().query(TRY, &params![selector, now, MAX_ATTEMPTS]).await?;
        let read = |row| {
            Ok(Verification {
                id: get(row, "id")?,
                user_id: UserId(get(row, "user_id")?),
                kind: word(row, "kind", ContactKind::parse)?,
                address: get(row, "address")?,
                digest: get(row, "digest")?,
                version: count(row, "version")?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn verify(&self, verification: &Verification, event: &Event) -> Result<bool, Failure> {
        let Verification { id, user_id, kind, version, .. } = verification;
        let params = params![*id, user_id.0, kind.name(), bigint(*version)?, Json(event)];
        let rows = self.relay.database().query(VERIFY, &params).await?;
        let is_new = get(only(&rows)?, "is_new")?;
        if is_new {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(is_new)
    }
}
