//! What operators did.

use super::{
    Database,
    orders::{format_position, parse_cursor},
    params::params,
    rows::{get, json, json_if, keyword, parsed},
};
use domain::{
    id::UserId,
    redrive::{Action, LoggedAction, Outcome, Verb},
    text::ActionReason,
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{OperatorActions, OperatorLog, Page};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

const BEGIN: &str = "
    INSERT INTO operator_actions (id, at, operator_id, verb, target, reason, request) VALUES ($1, $2, $3, $4, $5, $6, $7)";

const FINISH: &str = "INSERT INTO operator_outcomes (action_id, at, outcome) VALUES ($1, $2, $3)";

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
    async fn begin(&self, action: &Action) -> Result<(), Failure> {
        let params = params![
            action.id,
            action.at,
            action.operator.0,
            action.verb.name(),
            &action.target,
            action.reason.as_str(),
            Json(&action.request),
        ];
        self.database.query(BEGIN, &params).await.map(drop)
    }

    async fn finish(&self, action: Uuid, outcome: Outcome, at: Timestamp) -> Result<(), Failure> {
        self.database.query(FINISH, &params![action, at, Json(outcome.members())]).await.map(drop)
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
            verb: keyword(row, "verb", Verb::parse)?,
            target: get(row, "target")?,
            reason: parsed(row, "reason", ActionReason::parse)?,
            request: json(row, "request")?,
            at: get(row, "at")?,
        },
        outcome: json_if(row, "outcome")?,
    })
}
