//! In-memory fakes of the sources of records, and of what accepts records.

use super::{Dependency, RecordTopic, Sources, keys::IdempotencyKeys};
use domain::{
    record::{Position, Record, SourceName},
    source::{self, Source, SourceStatus},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, Page, StoredReply, Timestamp};
use ports::{RecordAdmission, RecordIntake, RecordLog, SourceStore};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct IntakeState {
    sources: BTreeMap<SourceName, Source>,
    keys: IdempotencyKeys,
    /// The topic of records: one partition.
    log: Vec<Record>,
}

impl SourceStore for Sources {
    async fn create_source(
        &self,
        source: &Source,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<IdempotencyOutcome, Failure> {
        let step = self.0.step(Dependency::Database, "sources.create", |state| {
            let intake = &mut state.record_store.intake;
            if let Some(settled) = once.map(|(key, _)| intake.keys.find(key)).transpose()?.flatten() {
                return Ok(settled);
            }
            if intake.sources.contains_key(&source.name) {
                return Err(source::exists());
            }
            if let Some((key, reply)) = once {
                intake.keys.record(key, Some(reply));
            }
            intake.sources.insert(source.name.clone(), source.clone());
            state.record_store.register(&source.name, source.writers.ids().collect());
            Ok(IdempotencyOutcome::Committed)
        });
        step.await
    }

    async fn store_source_response(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure> {
        let step = self.0.step(Dependency::Database, "sources.store_response", |state| {
            state.record_store.intake.keys.settle(key, reply)
        });
        step.await
    }

    async fn source(&self, name: &SourceName) -> Result<Option<Source>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.record_store.intake.sources.get(name).cloned())).await
    }

    async fn sources(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Source>, Failure> {
        let invalid = |_| Failure::field("?cursor", "is not a cursor of this list");
        let after = cursor.map(SourceName::parse).transpose().map_err(invalid)?;
        let query = self.0.query(Dependency::Database, |state| {
            let rest = state
                .record_store
                .intake
                .sources
                .values()
                .filter(|one| after.as_ref().is_none_or(|after| one.name > *after));
            let mut items: Vec<Source> = rest.cloned().collect();
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let has_more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| has_more).map(|last| last.name.to_string());
            Ok(Page { items, next })
        });
        query.await
    }

    async fn add_schema(&self, source: &Source) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Database, "sources.add_schema", |state| {
            let stored = state.record_store.intake.sources.get_mut(&source.name);
            let is_next = |stored: &&mut Source| {
                stored.status == SourceStatus::Open && stored.schema_version + 1 == source.schema_version
            };
            let Some(stored) = stored.filter(is_next) else { return Ok(false) };
            stored.schema_version = source.schema_version;
            (stored.schema, stored.schema_created_at) = (source.schema.clone(), source.schema_created_at);
            Ok(true)
        });
        step.await
    }

    async fn close_source(&self, name: &SourceName, now: Timestamp) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Database, "sources.close", |state| {
            let Some(stored) = state.record_store.intake.sources.get_mut(name) else { return Ok(false) };
            stored.status = SourceStatus::Closed;
            stored.closed_at = stored.closed_at.or(Some(now));
            Ok(true)
        });
        step.await
    }
}

impl RecordIntake for Sources {
    async fn admit(&self, key: &IdempotencyKey, sources: &[SourceName]) -> Result<RecordAdmission, Failure> {
        let step = self.0.step(Dependency::Database, "sources.admit", |state| {
            let bound = StoredReply { status: 202, headers: Vec::new(), body: String::new() };
            let is_repeated = state.record_store.intake.keys.find(key)?.is_some();
            if !is_repeated {
                state.record_store.intake.keys.record(key, Some(&bound));
            }
            let sources =
                sources.iter().filter_map(|name| state.record_store.intake.sources.get(name).cloned()).collect();
            Ok(RecordAdmission { sources, written: state.record_store.positions(), is_repeated })
        });
        step.await
    }
}

impl RecordTopic {
    /// Every record, in the order in which it was appended.
    pub fn records(&self) -> Vec<Record> {
        self.0.inspect(|state| state.record_store.intake.log.clone())
    }
}

impl RecordLog for RecordTopic {
    async fn append_records(&self, records: &[Record]) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Log, "record_topic.append", |state| {
            state.record_store.intake.log.extend_from_slice(records);
            Ok(())
        });
        step.await
    }

    fn ends(&self) -> Vec<Position> {
        let end = self.0.inspect(|state| i64::try_from(state.record_store.intake.log.len()).unwrap_or(i64::MAX));
        vec![Position { partition: 0, next_offset: end }]
    }
}
