//! In-memory fakes of the event log, dead-letter queue, analytics stream, archive, probes and migrations.

use super::{AnalyticsStream, Archive, DeadLetters, Dependency, EventLog, LogTopics, Migrations, Platform};
use domain::window::StreamRecord;
use kernel::{Failure, Timestamp};
use ports::{CanarySeed, EventLogRecord, SeedAccount};
use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Default)]
pub(super) struct LogState(Vec<Rc<EventLogRecord>>);

/// Number of partitions by topic, and settings by topic.
#[derive(Default)]
pub(super) struct TopicsState(BTreeMap<String, i32>, BTreeMap<String, BTreeMap<String, String>>);

#[derive(Default)]
pub(super) struct DeadLettersState {
    messages: Vec<edge::DeadLetter>,
    visibility_timeouts: Vec<(String, u32)>,
}

#[derive(Default)]
pub(super) struct StreamState(Vec<Rc<StreamRecord>>);

#[derive(Default)]
pub(super) struct MigrationsState {
    applied: bool,
}

impl EventLog {
    /// All records, in order.
    pub fn records(&self) -> Vec<EventLogRecord> {
        self.records_after(0).iter().map(|record| EventLogRecord::clone(record)).collect()
    }

    /// All records but the first `count`.
    pub fn records_after(&self, count: usize) -> Vec<Rc<EventLogRecord>> {
        self.0.inspect(|state| state.log.0.iter().skip(count).cloned().collect())
    }
}

impl ports::EventLog for EventLog {
    async fn append(&self, record: &EventLogRecord) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Log, "log.append", |state| {
            state.log.0.push(Rc::new(record.clone()));
            Ok(())
        });
        step.await
    }
}

impl ports::LogTopics for LogTopics {
    async fn list(&self) -> Result<BTreeMap<String, i32>, Failure> {
        self.0.query(Dependency::Log, |state| Ok(state.topics.0.clone())).await
    }

    async fn create(&self, name: &str, partitions: i32) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Log, "log_topics.create", |state| {
            if state.topics.0.contains_key(name) {
                return Ok(false);
            }
            state.topics.0.insert(name.to_owned(), partitions);
            Ok(true)
        });
        step.await
    }

    async fn configure(&self, name: &str, settings: &[(&str, &str)]) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Log, "log_topics.configure", |state| {
            if !state.topics.0.contains_key(name) {
                return Err(Failure::unavailable("event log", "there is no such topic"));
            }
            let is_known = |(name, value): &(&str, &str)| *name != "cleanup.policy" || POLICIES.contains(value);
            if !settings.iter().all(is_known) {
                return Err(Failure::internal("a setting has no such value"));
            }
            let of_topic = state.topics.1.entry(name.to_owned()).or_insert_with(default_settings);
            let mut is_changed = false;
            for (name, value) in settings {
                is_changed |= of_topic.insert((*name).to_owned(), (*value).to_owned()).as_deref() != Some(value);
            }
            Ok(is_changed)
        });
        step.await
    }
}

/// What a topic may do with old records.
const POLICIES: [&str; 3] = ["delete", "compact", "compact,delete"];

fn default_settings() -> BTreeMap<String, String> {
    [("cleanup.policy".to_owned(), "delete".to_owned())].into()
}

impl DeadLetters {
    /// All dead letters, in order.
    pub fn messages(&self) -> Vec<edge::DeadLetter> {
        self.0.inspect(|state| state.dead_letters.messages.clone())
    }

    /// Receipt handle and new visibility timeout in seconds of each backed-off message, in order.
    pub fn postponed(&self) -> Vec<(String, u32)> {
        self.0.inspect(|state| state.dead_letters.visibility_timeouts.clone())
    }
}

impl edge::DeadLetters for DeadLetters {
    async fn send(&self, message: edge::DeadLetter) -> Result<(), Failure> {
        let step = self.0.step(Dependency::DeadLetters, "dead_letters.send", |state| {
            state.dead_letters.messages.push(message);
            Ok(())
        });
        step.await
    }
}

impl edge::QueueControl for DeadLetters {
    async fn change_visibility(&self, receipt_handle: &str, seconds: u32) -> Result<(), Failure> {
        let step = self.0.step(Dependency::DeadLetters, "dead_letters.change_visibility", |state| {
            state.dead_letters.visibility_timeouts.push((receipt_handle.to_owned(), seconds));
            Ok(())
        });
        step.await
    }
}

impl AnalyticsStream {
    /// All records, in order.
    pub fn records(&self) -> Vec<StreamRecord> {
        self.records_after(0).iter().map(|record| StreamRecord::clone(record)).collect()
    }

    /// All records but the first `count`.
    pub fn records_after(&self, count: usize) -> Vec<Rc<StreamRecord>> {
        self.0.inspect(|state| state.stream.0.iter().skip(count).cloned().collect())
    }
}

impl ports::AnalyticsStream for AnalyticsStream {
    async fn put(&self, record: &StreamRecord) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Stream, "stream.put", |state| {
            state.stream.0.push(Rc::new(record.clone()));
            Ok(())
        });
        step.await
    }
}

impl Archive {
    /// The lines of each object, by key.
    pub fn objects(&self) -> BTreeMap<String, String> {
        let mut objects = BTreeMap::new();
        self.for_each_object(|key, lines| drop(objects.insert(key.to_owned(), lines.to_owned())));
        objects
    }

    /// Calls `visit` with the key and the lines of each object.
    pub fn for_each_object(&self, mut visit: impl FnMut(&str, &str)) {
        self.0.inspect(|state| {
            for (key, (_, bytes)) in &state.archive.0 {
                visit(key, &String::from_utf8_lossy(bytes));
            }
        });
    }
}

impl ports::Archive for Archive {
    async fn put(&self, key: &str, lines: String) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Archive, "archive.put", |state| {
            state.archive.0.insert(key.to_owned(), ("application/x-ndjson".to_owned(), lines.into_bytes()));
            Ok(())
        });
        step.await
    }
}

/// A dependency that is up unless [`Faults`](super::Faults) takes it down.
#[derive(Debug, Clone)]
pub struct Probe {
    pub(super) platform: Platform,
    pub(super) dependency: Dependency,
}

impl ports::Probe for Probe {
    fn dependency(&self) -> &'static str {
        self.dependency.name()
    }

    fn is_essential(&self) -> bool {
        self.dependency != Dependency::Cache
    }

    async fn check(&self) -> Result<(), Failure> {
        self.platform.query(self.dependency, |_| Ok(())).await
    }
}

impl ports::Migrations for Migrations {
    async fn apply(&self) -> Result<Vec<String>, Failure> {
        let commit = self.0.commit("migrations.apply", |state| {
            let missing = !std::mem::replace(&mut state.migrations.applied, true);
            Ok(if missing { vec!["0001_everything".to_owned()] } else { vec![] })
        });
        commit.await
    }

    async fn seed_accounts(&self, accounts: &[SeedAccount], now: Timestamp) -> Result<u32, Failure> {
        let commit = self.0.commit("migrations.seed_accounts", |state| {
            let mut made = 0;
            for account in accounts {
                made += u32::from(state.users.seed(account, now));
            }
            Ok(made)
        });
        commit.await
    }

    async fn put_canary(&self, account: &CanarySeed, now: Timestamp) -> Result<(), Failure> {
        let commit = self.0.commit("migrations.put_canary", |state| state.users.put_canary(account, now));
        commit.await
    }
}

impl Migrations {
    /// Whether the migrations were applied.
    pub fn applied(&self) -> bool {
        self.0.inspect(|state| state.migrations.applied)
    }
}
