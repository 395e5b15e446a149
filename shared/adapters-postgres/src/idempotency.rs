//! Idempotency records: inserted with the effect of a request, replayed when the request is repeated.

use super::{
    Database,
    fragments::{insert_idempotency_record, select_idempotency_outcome},
    params::{Param, params},
    rows::{get, json},
};
use kernel::{Failure, FailureKind, IDEMPOTENCY_KEY_REUSED, IdempotencyKey, IdempotencyOutcome, StoredReply};
use serde::Serialize;
use tokio_postgres::{Row, types::Json};

/// Stores a response without an effect.
pub(super) const STORE_REJECTION: &str = concat!("WITH ", insert_idempotency_record!(), select_idempotency_outcome!());

/// The record that a concurrent request has just committed.
const FIND_COMMITTED: &str = "
    SELECT false AS is_new, fingerprint, status, headers, body FROM idempotency WHERE scope = $1 AND key = $2";

/// The record of a key that has not expired.
const FIND: &str = "
    SELECT false AS is_new, fingerprint, status, headers, body FROM idempotency
    WHERE scope = $1 AND key = $2 AND expires_at > now()";

/// The status of a record whose request is in progress, and has no response yet.
const IN_PROGRESS: u16 = 0;

/// A response without its body.
#[derive(Debug, Serialize)]
pub(super) struct ReplyHead<'a> {
    status: u16,
    headers: &'a [(String, String)],
}

/// The parameter `$4` of a statement that inserts a record.
pub(super) fn reply_head(reply: &StoredReply) -> Json<ReplyHead<'_>> {
    Json(ReplyHead { status: reply.status, headers: &reply.headers })
}

/// Runs a statement that inserts a record, and returns its outcome.
pub(super) async fn execute(
    database: &Database,
    key: &IdempotencyKey,
    sql: &str,
    params: &[Param<'_>],
) -> Result<IdempotencyOutcome, Failure> {
    stored_outcome(database, key, &database.query(sql, params).await?).await
}

/// The outcome of a statement that inserts a record, from its rows.
pub(super) async fn stored_outcome(
    database: &Database,
    key: &IdempotencyKey,
    rows: &[Row],
) -> Result<IdempotencyOutcome, Failure> {
    if let Some(outcome) = outcome(key, rows)? {
        return Ok(outcome);
    }
    // A concurrent request has committed the record after this statement began: its snapshot does not contain it.
    let rows = database.query(FIND_COMMITTED, &params![&key.scope, &key.key]).await?;
    outcome(key, &rows)?.ok_or_else(in_flight)
}

fn in_flight() -> Failure {
    let detail = "A request with this Idempotency-Key is in progress; try again later.";
    Failure::new(FailureKind::Conflict, "idempotency-key-in-flight", detail)
}

/// The outcome of a repeated request, if the key has a record.
pub(super) async fn find_response(
    database: &Database,
    key: &IdempotencyKey,
) -> Result<Option<IdempotencyOutcome>, Failure> {
    outcome(key, &database.query(FIND, &params![&key.scope, &key.key]).await?)
}

/// Stores the response of a key to a request that changed nothing, such as a rejection.
pub(super) async fn store_response(
    database: &Database,
    key: &IdempotencyKey,
    reply: &StoredReply,
) -> Result<IdempotencyOutcome, Failure> {
    let params = params![&key.scope, &key.key, &key.fingerprint, reply_head(reply), &reply.body];
    execute(database, key, STORE_REJECTION, &params).await
}

/// The outcome in the row of a statement; `None` if it saw no record.
pub(super) fn outcome(key: &IdempotencyKey, rows: &[Row]) -> Result<Option<IdempotencyOutcome>, Failure> {
    let Some(row) = rows.first() else { return Ok(None) };
    if get(row, "is_new")? {
        return Ok(Some(IdempotencyOutcome::Committed));
    }
    let Some(fingerprint) = get::<Option<&str>>(row, "fingerprint")? else { return Ok(None) };
    if fingerprint != key.fingerprint {
        let detail = "This Idempotency-Key was used with a different request.";
        return Err(Failure::new(FailureKind::Invalid, IDEMPOTENCY_KEY_REUSED, detail));
    }
    let status = u16::try_from(get::<i32>(row, "status")?).map_err(Failure::internal)?;
    if status == IN_PROGRESS {
        return Err(in_flight());
    }
    Ok(Some(IdempotencyOutcome::Replayed(StoredReply {
        status,
        headers: json(row, "headers")?,
        body: get(row, "body")?,
    })))
}
