//! Jobs that take many steps.

use super::{
    Database,
    params::params,
    rows::{bigint, count, json, only},
    sessions::parse_cursor,
};
use domain::job::Job;
use kernel::{Failure, Timestamp, Uuid};
use ports::{JobStore, LeasedJob, Page};
use std::sync::Arc;
use tokio_postgres::types::Json;

const CREATE: &str = "INSERT INTO jobs (id, kind, is_open, due_at, created_at, job) VALUES ($1, $2, $3, $4, $5, $6)";

const GET: &str = "SELECT job FROM jobs WHERE id = $1 AND kind = $2";

/// The jobs of the kind `$1`, `$2` of them, after the job `$3` if it is given.
const LIST: &str = "SELECT job FROM jobs WHERE kind = $1 AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $2";

/// A job that another run leases at the same time is skipped.
const LEASE: &str = "
    UPDATE jobs SET turn = turn + 1, due_at = $3
    WHERE id = (
        SELECT id FROM jobs WHERE kind = $1 AND is_open AND due_at <= $2
        ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING turn, job";

const SAVE: &str = "
    WITH saved AS (
        UPDATE jobs SET is_open = $3, due_at = $4, job = $5 WHERE id = $1 AND turn = $2 RETURNING 1
    )
    SELECT count(*) AS saved FROM saved";

#[derive(Debug)]
pub struct PgJobs {
    database: Arc<Database>,
}

impl PgJobs {
    /// `database` logs in as a role of the catalogue.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl JobStore for PgJobs {
    async fn create<J: Job>(&self, job: &J, due_at: Timestamp) -> Result<(), Failure> {
        let params = params![job.id(), J::KIND, job.is_open(), due_at, job.created_at(), Json(job)];
        self.database.query(CREATE, &params).await.map(drop)
    }

    async fn get<J: Job>(&self, id: Uuid) -> Result<Option<J>, Failure> {
        let rows = self.database.query(GET, &params![id, J::KIND]).await?;
        rows.first().map(|row| json(row, "job")).transpose()
    }

    async fn list<J: Job>(&self, limit: u32, cursor: Option<&str>) -> Result<Page<J>, Failure> {
        let after = cursor.map(parse_cursor).transpose()?;
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.database.query(LIST, &params![J::KIND, i64::from(limit) + 1, after]).await?;
        let items: Vec<J> = rows.iter().take(page_size).map(|row| json(row, "job")).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > page_size).map(|last| last.id().to_string());
        Ok(Page { items, next })
    }

    async fn lease<J: Job>(&self, now: Timestamp, until: Timestamp) -> Result<Option<LeasedJob<J>>, Failure> {
        let rows = self.database.query(LEASE, &params![J::KIND, now, until]).await?;
        rows.first().map(|row| Ok(LeasedJob { job: json(row, "job")?, fencing_token: count(row, "turn")? })).transpose()
    }

    async fn save<J: Job>(&self, leased: &LeasedJob<J>, due_at: Timestamp) -> Result<bool, Failure> {
        let job = &leased.job;
        let params = params![job.id(), bigint(leased.fencing_token)?, job.is_open(), due_at, Json(job)];
        let rows = self.database.query(SAVE, &params).await?;
        Ok(count(only(&rows)?, "saved")? == 1)
    }
}
