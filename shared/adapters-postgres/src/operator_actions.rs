//! What operators did.

use super::{
    Database,
    fragments::{idempotency_expiry, insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    orders::{format_position, parse_cursor},
    params::{Param, params},
    rows::{get, json, json_if, parsed, word},
};
use domain::{
    id::UserId,
    redrive::{Action, LoggedAction, OperatorActionKind, OperatorActionResult},
    text::ActionReason,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, Timestamp, Uuid};
use ports::{ACTION_LEASE_SECONDS, KeyOutcome, OperatorActions, OperatorLog, Page};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

const BEGIN: &str = "
    INSERT INTO operator_actions (id, at, operator_id, verb, target, reason, request) VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// `$4` are the seconds for which the action, `$5`, has the key.
const BEGIN_ONCE: &str = concat!(
    "WITH recorded AS (
        INSERT INTO idempotency AS old (scope, key, fingerprint, status, body, created_at, expires_at)
        VALUES ($1, $2, $3, 0, $5::text, now(), now() + make_interval(secs => $4)) ",
    insert_idempotency_record!(@on_conflict),
    ", begun AS (
        INSERT INTO operator_actions (id, at, operator_id, verb, target, reason, request)
        SELECT $5, $6, $7, $8, $9, $10, $11 FROM recorded
    )",
    select_idempotency_outcome!(),
);

const FINISH: &str = "INSERT INTO operator_outcomes (action_id, at, outcome) VALUES ($1, $2, $3)";

/// `$6` and `$7` are the response, null if the key is free again.
const FINISH_ONCE: &str = concat!(
    "WITH finished AS (INSERT INTO operator_outcomes (action_id, at, outcome) VALUES ($1, $2, $3))
    UPDATE idempotency SET
        status = coalesce(($6 ->> 'status')::integer, status), headers = coalesce($6 -> 'headers', headers), body = coalesce($7, body),
        expires_at = CASE WHEN $6 IS NULL THEN now() ELSE ",
    idempotency_expiry!(),
    " END
    WHERE scope = $4 AND key = $5 AND status = 0 AND body = $1::text"
);

const LIST: &str = "
    SELECT a.*, o.outcome FROM operator_actions AS a LEFT JOIN operator_outcomes AS o ON o.action_id = a.id
    WHERE $1 IS NULL OR (a.at, a.id) < ($1, $2)
    ORDER BY a.at DESC, a.id DESC LIMIT $3";

#[derive(Debug)]
pub struct PgOperatorActions {
    database: Arc<Database>,
}

impl PgOperatorActions {
    /// `database` logs in as the recorder to record, and as the reader of operations to read.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl OperatorActions for PgOperatorActions {
    async fn begin(&self, action: &Action, key: Option<&IdempotencyKey>) -> Result<IdempotencyOutcome, Failure> {
        let columns = params![
            action.id,
            action.at,
            action.operator.0,
            action.verb.name(),
            &action.target,
            action.reason.as_str(),
            Json(&action.request),
        ];
        let Some(key) = key else {
            self.database.query(BEGIN, &columns).await?;
            return Ok(IdempotencyOutcome::Committed);
        };
        let head = params![&key.scope, &key.key, &key.fingerprint, f64::from(ACTION_LEASE_SECONDS)];
        let params: Vec<Param<'_>> = head.into_iter().chain(columns).collect();
        idempotency::execute(&self.database, key, BEGIN_ONCE, &params).await
    }

    async fn finish(
        &self,
        action: Uuid,
        outcome: OperatorActionResult,
        at: Timestamp,
        settled: Option<KeyOutcome<'_>>,
    ) -> Result<(), Failure> {
        let columns = params![action, at, Json(outcome.members())];
        let Some((key, reply)) = settled else {
            return self.database.query(FINISH, &columns).await.map(drop);
        };
        let (head, body) = (reply.map(idempotency::reply_head), reply.map(|reply| reply.body.as_str()));
        let params: Vec<Param<'_>> = columns.into_iter().chain(params![&key.scope, &key.key, head, body]).collect();
        self.database.query(FINISH_ONCE, &params).await.map(drop)
    }
}

impl OperatorLog for PgOperatorActions {
    async fn list(&self, limit: u32, cursor: Option<&str>) -> Result<Page<LoggedAction>, Failure> {
        let (at, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.database.query(LIST, &params![at, id, i64::from(limit) + 1]).await?;
        let items: Vec<LoggedAction> = rows.iter().take(page_size).map(read).collect::<Result<_, _>>()?;
        let last = items.last().filter(|_| rows.len() > page_size);
        let next = last.map(|last| format_position(last.action.at, last.action.id));
        Ok(Page { items, next })
    }
}

fn read(row: &Row) -> Result<LoggedAction, Failure> {
    Ok(LoggedAction {
        action: Action {
            id: get(row, "id")?,
            operator: UserId(get(row, "operator_id")?),
            verb: word(row, "verb", OperatorActionKind::parse)?,
            target: get(row, "target")?,
            reason: parsed(row, "reason", ActionReason::parse)?,
            request: json(row, "request")?,
            at: get(row, "at")?,
        },
        outcome: json_if(row, "outcome")?,
    })
}
