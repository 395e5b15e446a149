//! In-memory fakes of jobs and of the files of imports and exports.

use super::{Dependency, Jobs, ProductFiles};
use domain::job::Job;
use kernel::{Failure, Timestamp, Uuid};
use ports::{LeasedJob, ObjectState, Page};
use serde_json::Value;
use std::collections::BTreeMap;

struct Row {
    kind: &'static str,
    is_open: bool,
    due_at: Timestamp,
    fencing_token: u64,
    job: Value,
}

#[derive(Default)]
pub(super) struct BulkState {
    jobs: BTreeMap<Uuid, Row>,
    /// Files, with the number of the write that each is from.
    files: BTreeMap<String, (Vec<u8>, u64)>,
    /// Uploads in parts that are not completed.
    uploads: BTreeMap<String, BTreeMap<usize, Vec<u8>>>,
    writes: u64,
}

impl BulkState {
    fn put(&mut self, key: &str, bytes: Vec<u8>) {
        self.writes += 1;
        self.files.insert(key.to_owned(), (bytes, self.writes));
    }
}

fn written(job: &impl Job) -> Result<Value, Failure> {
    serde_json::to_value(job).map_err(Failure::internal)
}

fn read<J: Job>(job: &Value) -> Result<J, Failure> {
    serde_json::from_value(job.clone()).map_err(Failure::internal)
}

impl ports::JobStore for Jobs {
    async fn create<J: Job>(&self, job: &J, due_at: Timestamp) -> Result<(), Failure> {
        let row = Row { kind: J::KIND, is_open: job.is_open(), due_at, fencing_token: 0, job: written(job)? };
        let step = self.0.step(Dependency::Database, "jobs.create", |state| {
            state.bulk.jobs.insert(job.id(), row);
            Ok(())
        });
        step.await
    }

    async fn get<J: Job>(&self, id: Uuid) -> Result<Option<J>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let row = state.bulk.jobs.get(&id).filter(|row| row.kind == J::KIND);
            row.map(|row| read(&row.job)).transpose()
        });
        query.await
    }

    async fn list<J: Job>(&self, limit: u32, cursor: Option<&str>) -> Result<Page<J>, Failure> {
        let after: Option<Uuid> = cursor
            .map(|text| text.parse().map_err(|_| Failure::field("?cursor", "is not a cursor of this list")))
            .transpose()?;
        let limit = usize::try_from(limit).map_err(Failure::internal)?;
        let query = self.0.query(Dependency::Database, |state| {
            let found = state.bulk.jobs.iter().rev();
            let found = found.filter(|(id, row)| row.kind == J::KIND && after.is_none_or(|after| **id < after));
            let mut items: Vec<J> = found.take(limit + 1).map(|(_, row)| read(&row.job)).collect::<Result<_, _>>()?;
            let next = (items.len() > limit).then(|| items[limit - 1].id().to_string());
            items.truncate(limit);
            Ok(Page { items, next })
        });
        query.await
    }

    async fn lease<J: Job>(&self, now: Timestamp, until: Timestamp) -> Result<Option<LeasedJob<J>>, Failure> {
        let step = self.0.step(Dependency::Database, "jobs.lease", |state| {
            let due = state.bulk.jobs.iter_mut().map(|(id, row)| (row.due_at, *id, row));
            let due = due.filter(|(due_at, _, row)| row.kind == J::KIND && row.is_open && *due_at <= now);
            let Some((_, _, row)) = due.min_by_key(|(due_at, id, _)| (*due_at, *id)) else { return Ok(None) };
            (row.fencing_token, row.due_at) = (row.fencing_token + 1, until);
            Ok(Some(LeasedJob { job: read(&row.job)?, fencing_token: row.fencing_token }))
        });
        step.await
    }

    async fn save<J: Job>(&self, leased: &LeasedJob<J>, due_at: Timestamp) -> Result<bool, Failure> {
        let job = written(&leased.job)?;
        let step = self.0.step(Dependency::Database, "jobs.save", |state| {
            let row = state.bulk.jobs.get_mut(&leased.job.id()).filter(|row| row.fencing_token == leased.fencing_token);
            let Some(row) = row else { return Ok(false) };
            (row.is_open, row.due_at, row.job) = (leased.job.is_open(), due_at, job);
            Ok(true)
        });
        step.await
    }
}

impl ProductFiles {
    /// Stores an object, as a client does with an upload link.
    pub fn upload(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.0.arrange(|state| state.bulk.put(key, bytes.into()));
    }

    pub fn delete(&self, key: &str) {
        self.0.arrange(|state| state.bulk.files.remove(key));
    }

    /// The text of an object; empty if there is none.
    pub fn text(&self, key: &str) -> String {
        let bytes = |(bytes, _): &(Vec<u8>, u64)| String::from_utf8_lossy(bytes).into_owned();
        self.0.inspect(|state| state.bulk.files.get(key).map(bytes).unwrap_or_default())
    }
}

impl ports::ProductFiles for ProductFiles {
    async fn upload_link(&self, key: &str, media_type: &str, bytes: u64, ttl_s: u32) -> Result<String, Failure> {
        Ok(format!("memory:///{key}?type={media_type}&bytes={bytes}&expires={ttl_s}"))
    }

    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        Ok(format!("memory:///{key}?expires={ttl_s}"))
    }

    async fn state(&self, key: &str) -> Result<Option<ObjectState>, Failure> {
        let query = self.0.query(Dependency::Documents, |state| {
            let file = state.bulk.files.get(key);
            Ok(file.map(|(bytes, write)| ObjectState { size: bytes.len() as u64, etag: write.to_string() }))
        });
        query.await
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        position: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let position = usize::try_from(position).map_err(Failure::internal)?;
        let length = usize::try_from(length).map_err(Failure::internal)?;
        let query = self.0.query(Dependency::Documents, |state| {
            let file = state.bulk.files.get(key).filter(|(_, write)| etag.is_none_or(|etag| etag == write.to_string()));
            Ok(file.map(|(bytes, _)| bytes.iter().skip(position).take(length).copied().collect()))
        });
        query.await
    }

    async fn put(&self, key: &str, lines: Vec<u8>) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Documents, "files.put", |state| {
            state.bulk.put(key, lines);
            Ok(())
        });
        step.await
    }

    async fn begin(&self, key: &str) -> Result<String, Failure> {
        let step = self.0.step(Dependency::Documents, "files.begin", |state| {
            state.bulk.writes += 1;
            let upload = format!("{key} {}", state.bulk.writes);
            state.bulk.uploads.insert(upload.clone(), BTreeMap::new());
            Ok(upload)
        });
        step.await
    }

    async fn put_part(&self, _: &str, upload: &str, number: usize, lines: Vec<u8>) -> Result<String, Failure> {
        let step = self.0.step(Dependency::Documents, "files.put_part", |state| {
            let parts = state.bulk.uploads.get_mut(upload).ok_or_else(|| Failure::internal("no such upload"))?;
            let etag = format!("{number}-{}", lines.len());
            parts.insert(number, lines);
            Ok(etag)
        });
        step.await
    }

    async fn complete(&self, key: &str, upload: &str, parts: &[String]) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Documents, "files.complete", |state| {
            let Some(stored) = state.bulk.uploads.remove(upload) else {
                let is_completed = state.bulk.files.contains_key(key);
                return if is_completed { Ok(()) } else { Err(Failure::internal("no such upload")) };
            };
            let named = stored.iter().map(|(number, lines)| format!("{number}-{}", lines.len()));
            if !named.eq(parts.iter().cloned()) {
                return Err(Failure::internal("the parts are others"));
            }
            state.bulk.put(key, stored.into_values().flatten().collect());
            Ok(())
        });
        step.await
    }
}
