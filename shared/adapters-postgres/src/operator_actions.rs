//! What operators did, and what staff and admins changed.

use super::{
    Database,
    fragments::{idempotency_expiry, insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    orders::{format_position, parse_cursor},
    params::{Param, params},
    rows::{get, json, json_if, parsed_if},
};
use domain::{
    id::{OrderId, UserId},
    redrive::{Action, AuditEntry, OperatorActionResult},
    refused_action::{self, REFUSED, RefusedAction},
    text::ActionReason,
};
use edge::http::{RefusalLog, RefusedCall};
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

/// The role may insert and read nothing, which a conflict target would need: the index is that of refusals in an hour.
const REFUSE: &str = "
    INSERT INTO operator_actions (id, at, operator_id, role, verb, target, request) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT DO NOTHING";

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

/// The newest actions and the newest changes by staff and admins, of which the newest are the page. `$4` is the type of event whose reason its
/// context keeps.
const LIST: &str = "
    SELECT * FROM (
        (SELECT a.id, a.at, a.operator_id, a.role, a.verb AS action, a.target, NULL::uuid AS order_id, a.reason, a.request, o.outcome
        FROM operator_actions AS a LEFT JOIN operator_outcomes AS o ON o.action_id = a.id
        WHERE $1 IS NULL OR (a.at, a.id) < ($1, $2)
        ORDER BY a.at DESC, a.id DESC LIMIT $3)
        UNION ALL
        (SELECT id, occurred_at, actor_id, actor_role, type, subject, order_id,
            CASE WHEN type = $4 THEN decision_reason((data ->> 'payment_id')::uuid, data ->> 'refund_id') END, '{}', data
        FROM event_records
        WHERE actor_role IN ('staff', 'admin') AND ($1 IS NULL OR (occurred_at, id) < ($1, $2))
        ORDER BY occurred_at DESC, id DESC LIMIT $3)
    ) AS entry
    ORDER BY at DESC, id DESC LIMIT $3";

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

    async fn refuse(&self, refused: &RefusedAction) -> Result<(), Failure> {
        let entry = AuditEntry::from(refused);
        let columns = params![
            entry.id,
            entry.at,
            entry.operator.0,
            entry.role,
            entry.action,
            entry.target,
            Json(&entry.request),
        ];
        self.database.query(REFUSE, &columns).await.map(drop)
    }
}

impl RefusalLog for PgOperatorActions {
    async fn record(&self, refused: &RefusedCall) -> Result<(), Failure> {
        let RefusedCall { id, at, caller, function, path_parameters } = refused;
        let named = path_parameters.get("name").map(String::as_str);
        self.refuse(&RefusedAction::new(*id, *at, caller, function, named)).await
    }
}

impl OperatorLog for PgOperatorActions {
    async fn list(&self, limit: u32, cursor: Option<&str>) -> Result<Page<AuditEntry>, Failure> {
        let (at, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let decided = catalog::REFUND_APPROVAL_DECIDED.name;
        let rows = self.database.query(LIST, &params![at, id, i64::from(limit) + 1, decided]).await?;
        let items: Vec<AuditEntry> = rows.iter().take(page_size).map(read).collect::<Result<_, _>>()?;
        let last = items.last().filter(|_| rows.len() > page_size);
        let next = last.map(|last| format_position(last.at, last.id));
        Ok(Page { items, next })
    }
}

fn read(row: &Row) -> Result<AuditEntry, Failure> {
    let action: String = get(row, "action")?;
    let outcome = if action == REFUSED { Some(refused_action::outcome()) } else { json_if(row, "outcome")? };
    Ok(AuditEntry {
        id: get(row, "id")?,
        at: get(row, "at")?,
        operator: UserId(get(row, "operator_id")?),
        role: get(row, "role")?,
        action,
        target: get(row, "target")?,
        order_id: get::<Option<Uuid>>(row, "order_id")?.map(OrderId),
        reason: parsed_if(row, "reason", ActionReason::parse)?,
        request: json(row, "request")?,
        outcome,
    })
}
