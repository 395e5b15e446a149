//! The answers to requests that came with a key: taken with the effect, found again for the repetition.

use super::{
    Database,
    fragments::{take_key, what_was_kept},
    params::{Param, params},
    rows::{get, json},
};
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply};
use serde::Serialize;
use tokio_postgres::{Row, types::Json};

/// Keeps an answer that goes with no effect.
pub(super) const REFUSE: &str = concat!("WITH ", take_key!(), what_was_kept!());

/// The answer that a request's twin has just committed.
const KEPT: &str = "
    SELECT false AS is_new, fingerprint, status, headers, body FROM idempotency WHERE scope = $1 AND key = $2";

/// What is kept under a key that has not expired.
const RECALL: &str = "
    SELECT false AS is_new, fingerprint, status, headers, body FROM idempotency
    WHERE scope = $1 AND key = $2 AND expires_at > now()";

/// What is kept of an answer besides its body.
#[derive(Debug, Serialize)]
pub(super) struct Head<'a> {
    status: u16,
    headers: &'a [(String, String)],
}

/// The parameter `$4` of a statement that takes a key.
pub(super) fn head(reply: &StoredReply) -> Json<Head<'_>> {
    Json(Head { status: reply.status, headers: &reply.headers })
}

/// Runs a statement that takes a key, and says what came of it.
pub(super) async fn settle(
    database: &Database,
    key: &IdempotencyKey,
    sql: &str,
    params: &[Param<'_>],
) -> Result<IdempotencyOutcome, Failure> {
    let rows = database.query(sql, params).await?;
    if let Some(settled) = settled(key, &rows)? {
        return Ok(settled);
    }
    // The key was taken after this statement began, by a twin that has committed since. Look again.
    let rows = database.query(KEPT, &params![&key.scope, &key.key]).await?;
    settled(key, &rows)?.ok_or_else(|| {
        let detail = "A request with this Idempotency-Key is under way; please try again.";
        Failure::new(FailureKind::Conflict, "idempotency-key-in-flight", detail)
    })
}

/// The answer that was kept under a key, if there is one.
pub(super) async fn recall(database: &Database, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
    settled(key, &database.query(RECALL, &params![&key.scope, &key.key]).await?)
}

/// Keeps a refusal as the answer to a request.
pub(super) async fn refuse(
    database: &Database,
    key: &IdempotencyKey,
    reply: &StoredReply,
) -> Result<IdempotencyOutcome, Failure> {
    let params = params![&key.scope, &key.key, &key.fingerprint, head(reply), &reply.body];
    settle(database, key, REFUSE, &params).await
}

/// What a key was found to stand for; nothing, where it was not seen.
pub(super) fn settled(key: &IdempotencyKey, rows: &[Row]) -> Result<Option<IdempotencyOutcome>, Failure> {
    let Some(row) = rows.first() else { return Ok(None) };
    if get(row, "is_new")? {
        return Ok(Some(IdempotencyOutcome::Committed));
    }
    let Some(fingerprint) = get::<Option<&str>>(row, "fingerprint")? else { return Ok(None) };
    if fingerprint != key.fingerprint {
        let detail = "This Idempotency-Key was used with another request.";
        return Err(Failure::new(FailureKind::Invalid, "idempotency-key-reused", detail));
    }
    let status = u16::try_from(get::<i32>(row, "status")?).map_err(Failure::internal)?;
    Ok(Some(IdempotencyOutcome::Replayed(StoredReply {
        status,
        headers: json(row, "headers")?,
        body: get(row, "body")?,
    })))
}
