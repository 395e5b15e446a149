//! In-memory fake of records.

use super::{Dependency, Records, sources::IntakeState};
use domain::{
    id::ClientId,
    record::{Position, Record, RecordId, Rollup, SourceName, payload_text, roll_up},
};
use kernel::{Date, Failure, Timestamp};
use ports::{
    ArchivedPart, MAX_ARCHIVED_PARTS, RecordLookup, RecordPage, RecordQuery, RecordStore, RecordWriter, Rollups,
    Written,
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct RecordStoreState {
    records: BTreeMap<RecordId, Record>,
    rollups: BTreeMap<(SourceName, Timestamp), Rollup>,
    positions: BTreeMap<i32, i64>,
    pub(super) intake: IntakeState,
    /// Sources with their writers.
    sources: BTreeMap<SourceName, Vec<ClientId>>,
    /// Days whose records are in the archive, with its files.
    archived: BTreeMap<Date, Vec<ArchivedPart>>,
}

impl RecordStoreState {
    /// Adds a source that these clients may write and read.
    pub(super) fn register(&mut self, source: &SourceName, writers: Vec<ClientId>) {
        self.sources.insert(source.clone(), writers);
    }

    pub(super) fn positions(&self) -> Vec<Position> {
        let position =
            |(partition, next_offset): (&i32, &i64)| Position { partition: *partition, next_offset: *next_offset };
        self.positions.iter().map(position).collect()
    }

    fn writers(&self, source: &SourceName) -> Result<Vec<ClientId>, Failure> {
        self.sources.get(source).cloned().ok_or_else(|| Failure::not_found("source"))
    }

    /// The files with records of a range, newest first.
    fn parts(&self, from: RecordBound, to: RecordBound) -> Vec<ArchivedPart> {
        let parts = self.archived.values().flatten().filter(|part| part.last.uuid() >= from && part.first.uuid() < to);
        let mut parts: Vec<ArchivedPart> = parts.cloned().collect();
        parts.sort_by_key(|part| std::cmp::Reverse((part.day, part.part)));
        parts.truncate(usize::try_from(MAX_ARCHIVED_PARTS).unwrap_or(usize::MAX));
        parts
    }
}

type RecordBound = kernel::Uuid;

impl Records {
    /// All records, by id.
    pub fn all(&self) -> Vec<Record> {
        self.0.inspect(|state| state.record_store.records.values().cloned().collect())
    }

    /// Adds a source that these clients may write and read.
    pub fn register(&self, source: &SourceName, writers: &[ClientId]) {
        self.0.arrange(|state| state.record_store.register(source, writers.to_vec()));
    }
}

impl RecordWriter for Records {
    async fn write(&self, records: &[Record], positions: &[Position]) -> Result<Written, Failure> {
        let step = self.0.step(Dependency::Database, "records.write", |state| {
            let store = &mut state.record_store;
            if records.iter().any(|record| store.archived.contains_key(&record.id.day())) {
                return Err(Failure::field("/recorded_at", "is of a day that is archived"));
            }
            let mut new = BTreeMap::new();
            for record in records.iter().filter(|record| !store.records.contains_key(&record.id)) {
                new.entry(record.id).or_insert_with(|| record.clone());
            }
            let mut sizes = Vec::new();
            for record in new.values() {
                sizes.push((&record.source, record.id, payload_text(&record.payload)?.len()));
            }
            for rollup in roll_up(sizes) {
                let key = (rollup.source.clone(), rollup.hour);
                let sum = store.rollups.entry(key).or_insert(Rollup { records: 0, bytes: 0, ..rollup.clone() });
                sum.records += rollup.records;
                sum.bytes += rollup.bytes;
            }
            for position in positions {
                let next = store.positions.entry(position.partition).or_default();
                *next = position.next_offset.max(*next);
            }
            let count = new.len() as u64;
            store.records.extend(new);
            Ok(Written { new: count, known: records.len() as u64 - count })
        });
        step.await
    }

    async fn positions(&self) -> Result<Vec<Position>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.record_store.positions())).await
    }
}

impl RecordStore for Records {
    async fn get(&self, id: RecordId) -> Result<RecordLookup, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let store = &state.record_store;
            if let Some(record) = store.records.get(&id) {
                let writers = store.sources.get(&record.source).cloned().unwrap_or_default();
                return Ok(RecordLookup::Found { record: record.clone(), writers });
            }
            let parts = store.archived.get(&id.day()).into_iter().flatten();
            let part = parts.cloned().find(|part| (part.first..=part.last).contains(&id));
            Ok(part.map_or(RecordLookup::Missing, RecordLookup::Archived))
        });
        query.await
    }

    async fn list(&self, query: &RecordQuery) -> Result<RecordPage, Failure> {
        let read = self.0.query(Dependency::Database, |state| {
            let store = &state.record_store;
            let writers = store.writers(&query.source)?;
            let (from, end) = (RecordId::least(query.from), RecordId::least(query.to));
            let to = query.after.map_or(end, |after| end.min(after.uuid()));
            let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
            let of_source = store.records.values().rev().filter(|record| record.source == query.source);
            let in_range = of_source.filter(|record| record.id.uuid() >= from && record.id.uuid() < to);
            let records: Vec<Record> = in_range.take(limit).cloned().collect();
            let archived = if records.len() < limit { store.parts(from, to) } else { Vec::new() };
            Ok(RecordPage { writers, records, archived })
        });
        read.await
    }

    async fn rollups(
        &self,
        source: &SourceName,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Rollups, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let store = &state.record_store;
            let of_source = store.rollups.values().filter(|one| one.source == *source);
            let hours = of_source.filter(|one| (from..to).contains(&one.hour));
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            Ok(Rollups { writers: store.writers(source)?, hours: hours.take(limit).cloned().collect() })
        });
        query.await
    }
}
