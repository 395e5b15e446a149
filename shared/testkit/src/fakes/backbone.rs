//! In-memory fakes of the event log, dead-letter queue, analytics stream, archive, windows, probes and migrations.

use super::{AnalyticsStream, Archive, DeadLetters, Dependency, EventLog, LogTopics, Migrations, Platform, Windows};
use domain::{
    id::ProductId,
    window::{AnalyticsRecord, MAX_REGIONS, StreamRecord, Sum, Window},
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{CanarySeed, LogRecord, Page, SeedAccount};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// Maximum number of products that a window lists.
const TOP: usize = 5;

#[derive(Default)]
pub(super) struct LogState(Vec<Rc<LogRecord>>);

/// Number of partitions by topic.
#[derive(Default)]
pub(super) struct TopicsState(BTreeMap<String, i32>);

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

#[derive(Default)]
pub(super) struct WindowsState {
    counted: HashSet<Uuid>,
    windows: BTreeMap<(Timestamp, &'static str), Sums>,
}

#[derive(Default)]
struct Sums {
    orders: i64,
    revenue: i64,
    products: BTreeMap<ProductId, (String, i64)>,
    regions: BTreeMap<String, (i64, i64)>,
}

impl EventLog {
    /// All records, in order.
    pub fn records(&self) -> Vec<LogRecord> {
        self.records_after(0).iter().map(|record| LogRecord::clone(record)).collect()
    }

    /// All records but the first `count`.
    pub fn records_after(&self, count: usize) -> Vec<Rc<LogRecord>> {
        self.0.inspect(|state| state.log.0.iter().skip(count).cloned().collect())
    }
}

impl ports::EventLog for EventLog {
    async fn append(&self, record: &LogRecord) -> Result<(), Failure> {
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
    async fn change_visibility(&self, receipt: &str, seconds: u32) -> Result<(), Failure> {
        let step = self.0.step(Dependency::DeadLetters, "dead_letters.change_visibility", |state| {
            state.dead_letters.visibility_timeouts.push((receipt.to_owned(), seconds));
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

impl WindowsState {
    fn add(&mut self, record: &AnalyticsRecord) {
        if !self.counted.insert(record.event_id) {
            return;
        }
        let minor = record.revenue.amount.get();
        let sums = self.windows.entry((record.window, record.revenue.currency.code())).or_default();
        sums.orders += 1;
        sums.revenue += minor;
        for (product, name, units) in &record.products {
            let sold = sums.products.entry(*product).or_insert_with(|| (name.as_str().to_owned(), 0));
            sold.1 += i64::from(*units);
        }
        let region = sums.regions.entry(record.region.to_string()).or_default();
        region.0 += 1;
        region.1 += minor;
    }
}

impl Sums {
    fn window(&self, start: Timestamp, currency: &str) -> Result<Window, Failure> {
        let mut top_products: Vec<_> =
            self.products.iter().map(|(id, (name, units))| (*id, name.clone(), *units)).collect();
        top_products.sort_by_key(|(id, _, units)| (std::cmp::Reverse(*units), *id));
        top_products.truncate(TOP);
        let mut by_region: Vec<_> =
            self.regions.iter().map(|(name, (orders, minor))| (name.clone(), *orders, *minor)).collect();
        by_region.sort_by_key(|(_, _, minor)| std::cmp::Reverse(*minor));
        by_region.truncate(MAX_REGIONS);
        by_region.sort();
        Ok(Window {
            start,
            orders: self.orders,
            revenue: Sum::new(self.revenue, currency).map_err(Failure::internal)?,
            top_products,
            by_region,
        })
    }
}

impl Windows {
    /// Number of orders and revenue in minor units, summed over all windows.
    pub fn totals(&self) -> (i64, i64) {
        self.0.inspect(|state| {
            let windows = state.windows.windows.values();
            windows.fold((0, 0), |(orders, revenue), sums| (orders + sums.orders, revenue + sums.revenue))
        })
    }
}

impl ports::WindowStore for Windows {
    async fn add(&self, records: &[AnalyticsRecord]) -> Result<(), Failure> {
        let commit = self.0.commit("windows.add", |state| {
            for record in records {
                state.windows.add(record);
            }
            Ok(())
        });
        commit.await
    }

    async fn list(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Window>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let within = state.windows.windows.iter().filter(|((start, _), _)| (from..to).contains(start));
            let mut found: Vec<_> = within.filter(|(place, _)| after.is_none_or(|after| **place > after)).collect();
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|((start, currency), _)| format!("{start}/{currency}"));
            let items = found.into_iter().map(|((start, currency), sums)| sums.window(*start, currency));
            Ok(Page { items: items.collect::<Result<_, Failure>>()?, next })
        });
        query.await
    }
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, &str), Failure> {
    let (start, currency) = cursor.split_once('/').unwrap_or_default();
    let start = start.parse().map_err(|_| Failure::field("?cursor", "is not a cursor of this list"))?;
    Ok((start, currency))
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
                made += u32::from(state.users.found(account, now));
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
