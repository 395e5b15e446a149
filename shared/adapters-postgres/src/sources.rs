//! Sources of records, and what accepts records.

use super::{
    Database,
    errors::QueryError,
    fragments::{insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    params::{Param, params},
    rows::{json, only},
};
use domain::{
    id::ClientId,
    record::{Position, SourceName},
    source::{self, PayloadSchema, SchemaOf, Source, SourceStatus, Writers},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Page, RecordAdmission, RecordIntake, SourceStore};
use serde::Deserialize;
use std::{cell::RefCell, collections::HashMap, sync::Arc};
use tokio_postgres::{Row, types::Json};

/// Schemas that a process keeps, before it forgets all of them.
const MAX_KNOWN: usize = 100;

/// A source as one JSON value. The expression `$without` decides whether its schema is left out.
macro_rules! source_object {
    ($without:literal) => {
        concat!(
            "jsonb_build_object('name', s.name, 'status', s.status, 'writers', to_jsonb(s.writers),
                'schema_version', s.schema_version, 'schema', CASE WHEN ",
            $without,
            " THEN NULL ELSE v.schema END, 'created_at', s.created_at, 'schema_created_at', v.created_at, 'closed_at', s.closed_at)"
        )
    };
}

const CREATE: &str = "
    WITH created AS (
        INSERT INTO sources (name, status, writers, schema_version, created_at) VALUES ($1, 'open', $2, 1, $4)
        ON CONFLICT DO NOTHING RETURNING name
    )
    INSERT INTO source_schemas (source, version, schema, created_at) SELECT name, 1, $3, $4 FROM created RETURNING version";

/// As [`CREATE`], for a request with a key: `$6` to `$9` are the parameters of that.
const CREATE_ONCE: &str = concat!(
    "WITH ",
    insert_idempotency_record!(),
    ", created AS (
        INSERT INTO sources (name, status, writers, schema_version, created_at) SELECT $6, 'open', $7, 1, $9 FROM recorded RETURNING name
    ), versioned AS (
        INSERT INTO source_schemas (source, version, schema, created_at) SELECT name, 1, $8, $9 FROM created
    )",
    select_idempotency_outcome!(),
);

const FIND: &str = concat!(
    "SELECT ",
    source_object!("false"),
    " AS source FROM sources AS s JOIN source_schemas AS v ON v.source = s.name AND v.version = s.schema_version WHERE s.name = $1",
);

const LIST: &str = concat!(
    "SELECT ",
    source_object!("false"),
    " AS source FROM sources AS s JOIN source_schemas AS v ON v.source = s.name AND v.version = s.schema_version
    WHERE $1 IS NULL OR s.name > $1 ORDER BY s.name LIMIT $2",
);

const ADD_SCHEMA: &str = "
    WITH moved AS (
        UPDATE sources SET schema_version = $2 WHERE name = $1 AND status = 'open' AND schema_version = $2 - 1 RETURNING name
    )
    INSERT INTO source_schemas (source, version, schema, created_at) SELECT name, $2, $3, $4 FROM moved RETURNING version";

const CLOSE: &str = "
    UPDATE sources SET status = 'closed', closed_at = coalesce(closed_at, $2) WHERE name = $1 RETURNING name";

/// `$6` are the wanted sources, and `$7` the versions of their schemas that the process knows, 0 for none.
const ADMIT: &str = concat!(
    "WITH ",
    insert_idempotency_record!(),
    select_idempotency_outcome!(with "
        (SELECT coalesce(jsonb_agg(jsonb_build_array(partition, next_offset) ORDER BY partition), '[]') FROM positions) AS positions, sources"),
    ", LATERAL (SELECT coalesce(jsonb_agg(",
    source_object!("s.schema_version = wanted.known"),
    "), '[]') AS sources
        FROM unnest($6, $7) AS wanted (name, known)
        JOIN sources AS s ON s.name = wanted.name
        JOIN source_schemas AS v ON v.source = s.name AND v.version = s.schema_version
    ) AS of_request",
);

/// The sources of records. It keeps the schemas that it has read, which never change.
#[derive(Debug)]
pub struct PgSources {
    database: Arc<Database>,
    known: RefCell<HashMap<SchemaOf, PayloadSchema>>,
}

impl PgSources {
    /// `database` logs in as a role of records.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database, known: RefCell::default() }
    }

    /// The newest version of the schema of a source that is known; 0 for none.
    fn known_version(&self, source: &SourceName) -> i32 {
        let known = self.known.borrow();
        let versions = known.keys().filter(|of| of.source == *source).map(|of| of.version);
        versions.max().and_then(|version| i32::try_from(version).ok()).unwrap_or_default()
    }

    /// A source whose schema is known, or is learned now.
    fn complete(&self, stored: StoredSource) -> Result<Source, Failure> {
        let of = SchemaOf { source: stored.name.clone(), version: stored.schema_version };
        let mut known = self.known.borrow_mut();
        let schema = match (&stored.schema, known.get(&of)) {
            (Some(schema), _) => schema.clone(),
            (None, Some(schema)) => schema.clone(),
            (None, None) => return Err(Failure::internal(format!("no schema of {of:?}"))),
        };
        if stored.schema.is_some() {
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
            known.insert(of, schema.clone());
        }
        stored.into_source(schema)
    }
}

impl SourceStore for PgSources {
    async fn create_source(
        &self,
        source: &Source,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<IdempotencyOutcome, Failure> {
        let writers: Vec<Uuid> = source.writers.ids().map(|id| id.0).collect();
        let columns = params![source.name.as_str(), writers, Json(source.schema.members()), source.created_at];
        let Some((key, reply)) = once else {
            return match self.database.query(CREATE, &columns).await?.is_empty() {
                true => Err(source::exists()),
                false => Ok(IdempotencyOutcome::Committed),
            };
        };
        let head = params![&key.scope, &key.key, &key.fingerprint, idempotency::reply_head(reply), &reply.body];
        let params: Vec<Param<'_>> = head.into_iter().chain(columns).collect();
        let rows = self.database.attempt(CREATE_ONCE, &params).await?.map_err(taken)?;
        idempotency::stored_outcome(&self.database, key, &rows).await
    }

    async fn store_source_response(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure> {
        idempotency::store_response(&self.database, key, reply).await
    }

    async fn source(&self, name: &SourceName) -> Result<Option<Source>, Failure> {
        let rows = self.database.query(FIND, &params![name.as_str()]).await?;
        rows.first().map(source).transpose()
    }

    async fn sources(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Source>, Failure> {
        let invalid = |_| Failure::field("?cursor", "is not a cursor of this list");
        let after = cursor.map(SourceName::parse).transpose().map_err(invalid)?;
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let params = params![after.as_ref().map(SourceName::as_str), i64::from(limit) + 1];
        let rows = self.database.query(LIST, &params).await?;
        let items: Vec<Source> = rows.iter().take(page_size).map(source).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > page_size).map(|last| last.name.to_string());
        Ok(Page { items, next })
    }

    async fn add_schema(&self, source: &Source) -> Result<bool, Failure> {
        let version = i32::try_from(source.schema_version).map_err(Failure::internal)?;
        let params = params![source.name.as_str(), version, Json(source.schema.members()), source.schema_created_at];
        Ok(!self.database.query(ADD_SCHEMA, &params).await?.is_empty())
    }

    async fn close_source(&self, name: &SourceName, now: Timestamp) -> Result<bool, Failure> {
        Ok(!self.database.query(CLOSE, &params![name.as_str(), now]).await?.is_empty())
    }
}

impl RecordIntake for PgSources {
    async fn admit(&self, key: &IdempotencyKey, sources: &[SourceName]) -> Result<RecordAdmission, Failure> {
        // The response follows from the request, so that none is stored.
        let (reply, body) = (StoredReply { status: 202, headers: Vec::new(), body: String::new() }, String::new());
        let names: Vec<&str> = sources.iter().map(SourceName::as_str).collect();
        let known: Vec<i32> = sources.iter().map(|source| self.known_version(source)).collect();
        let head = idempotency::reply_head(&reply);
        let params = params![&key.scope, &key.key, &key.fingerprint, head, body, names, known];
        let rows = self.database.query(ADMIT, &params).await?;
        let outcome = idempotency::stored_outcome(&self.database, key, &rows).await?;
        let row = only(&rows)?;
        let positions: Vec<(i32, i64)> = json(row, "positions")?;
        let position = |(partition, next_offset)| Position { partition, next_offset };
        let stored: Vec<StoredSource> = json(row, "sources")?;
        Ok(RecordAdmission {
            sources: stored.into_iter().map(|one| self.complete(one)).collect::<Result<_, _>>()?,
            written: positions.into_iter().map(position).collect(),
            is_repeated: matches!(outcome, IdempotencyOutcome::Replayed(_)),
        })
    }
}

/// A source as statements return it.
#[derive(Debug, Deserialize)]
struct StoredSource {
    name: SourceName,
    status: SourceStatus,
    writers: Vec<ClientId>,
    schema_version: u32,
    /// `None` if the process knows it.
    schema: Option<PayloadSchema>,
    created_at: Timestamp,
    schema_created_at: Timestamp,
    closed_at: Option<Timestamp>,
}

impl StoredSource {
    fn into_source(self, schema: PayloadSchema) -> Result<Source, Failure> {
        let Self { name, status, writers, schema_version, created_at, schema_created_at, closed_at, .. } = self;
        let writers = Writers::try_from(writers).map_err(Failure::internal)?;
        Ok(Source { name, status, writers, schema_version, schema, created_at, schema_created_at, closed_at })
    }
}

fn taken(error: QueryError) -> Failure {
    match error.duplicate() {
        Some("sources_pkey") => source::exists(),
        _ => error.into(),
    }
}

fn source(row: &Row) -> Result<Source, Failure> {
    let mut stored: StoredSource = json(row, "source")?;
    let schema = stored.schema.take().ok_or_else(|| Failure::internal("a source without a schema"))?;
    stored.into_source(schema)
}
