//! In-memory fake of the windows of analytics: keeps every record, and adds them up whenever it is asked.

mod anomalies;

use super::{Dependency, Windows};
use domain::{
    id::{ProductId, UserId},
    money::Currency,
    order::Reason,
    window::{
        ChangedWindow, Counted, CustomerCounts, Day, FoundAnomaly, MAX_REGIONS, MinuteCount, PeakHour, RATE_MINUTES,
        SalesSummary, SoldProduct, SoldRegion, WINDOW_SECONDS, Window, WindowEntry, WindowRevision,
        anomaly::{BESIDE, Baseline, Sales, WEEKS},
    },
};
use kernel::{Failure, Timestamp, Uuid, seconds_after};
use ports::Page;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

/// Maximum number of products that a window lists.
const TOP: usize = 5;
const HOUR: i64 = 3_600;
const WEEK: i64 = 168 * HOUR;

/// Start and currency.
type Key = (Timestamp, &'static str);

#[derive(Default)]
pub(super) struct WindowsState {
    /// The ids of counted events, with the start of their window.
    pub(super) counted: BTreeMap<Uuid, Timestamp>,
    windows: BTreeMap<Key, StoredWindow>,
    customers: BTreeMap<UserId, Customer>,
    anomalies: anomalies::Anomalies,
    /// Number of orders and revenue, summed over all windows.
    totals: (i64, i64),
}

/// A window as it is kept.
struct StoredWindow {
    records: Vec<WindowEntry>,
    first_orders: i64,
    revision: i64,
    published: i64,
    changes: i64,
}

struct Customer {
    orders: i64,
    first: (Timestamp, Uuid, Key),
    last: Timestamp,
}

impl StoredWindow {
    fn new() -> Self {
        Self { records: vec![], first_orders: 0, revision: 1, published: 0, changes: 1 }
    }

    fn change(&mut self) -> &mut Self {
        self.changes += 1;
        self.revision += i64::from(self.revision == self.published);
        self
    }

    fn sales(&self) -> Sales {
        let mut sales = Sales::default();
        for record in self.records.iter().filter(|record| matches!(record.counted, Counted::Sale { .. })) {
            sales.orders += 1;
            sales.revenue += record.amount().amount.get();
        }
        sales
    }

    fn window(&self, (start, code): Key) -> Result<Window, Failure> {
        let mut window = Window::empty(start, Currency::parse(code).map_err(Failure::internal)?);
        let mut products: BTreeMap<ProductId, (String, i64)> = BTreeMap::new();
        let mut regions: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        let mut cancellations: BTreeMap<&'static str, (Reason, i64)> = BTreeMap::new();
        for record in &self.records {
            let minor = record.amount().amount.get();
            match &record.counted {
                Counted::Sale { region, products: sold, .. } => {
                    window.orders += 1;
                    window.revenue.amount += minor;
                    for (product, name, units) in sold {
                        let kept = products.entry(*product).or_default();
                        kept.0 = kept.0.as_str().max(name.as_str()).to_owned();
                        kept.1 += i64::from(*units);
                        window.units += i64::from(*units);
                    }
                    let region = regions.entry(region.to_string()).or_default();
                    (region.0, region.1) = (region.0 + 1, region.1 + minor);
                }
                Counted::Cancellation { reason, .. } => {
                    cancellations.entry(reason.name()).or_insert((*reason, 0)).1 += 1;
                }
                Counted::Paid(_) => window.payments.paid.add(minor),
                Counted::Declined(_) => window.payments.declined.add(minor),
                Counted::Refunded(_) => window.payments.refunded.add(minor),
            }
        }
        window.top_products = products.into_iter().map(|(id, (name, units))| (id, name, units)).collect();
        window.top_products.sort_by_key(|(id, _, units)| (Reverse(*units), *id));
        window.top_products.truncate(TOP);
        window.by_region = regions.into_iter().map(|(name, (orders, minor))| (name, orders, minor)).collect();
        window.by_region.sort_by_key(|(_, _, minor)| Reverse(*minor));
        window.by_region.truncate(MAX_REGIONS);
        window.by_region.sort();
        window.cancellations = cancellations.into_values().collect();
        (window.first_orders, window.revision) = (self.first_orders, self.revision);
        Ok(window)
    }
}

impl WindowsState {
    fn add(&mut self, record: &WindowEntry) {
        if self.counted.insert(record.event_id, record.window).is_some() {
            return;
        }
        let key = (record.window, record.amount().currency.code());
        self.windows.entry(key).or_insert_with(StoredWindow::new).change().records.push(record.clone());
        let Counted::Sale { customer, .. } = &record.counted else { return };
        self.totals = (self.totals.0 + 1, self.totals.1 + record.amount().amount.get());
        if let Some(customer) = customer {
            self.bought(*customer, (record.at, record.event_id, key));
        }
    }

    fn bought(&mut self, customer: UserId, order: (Timestamp, Uuid, Key)) {
        let Some(known) = self.customers.get_mut(&customer) else {
            self.customers.insert(customer, Customer { orders: 1, first: order, last: order.0 });
            self.windows.entry(order.2).or_insert_with(StoredWindow::new).first_orders += 1;
            return;
        };
        known.orders += 1;
        known.last = known.last.max(order.0);
        if (order.0, order.1) < (known.first.0, known.first.1) {
            let (_, _, left) = std::mem::replace(&mut known.first, order);
            self.windows.entry(left).or_insert_with(StoredWindow::new).change().first_orders -= 1;
            self.windows.entry(order.2).or_insert_with(StoredWindow::new).first_orders += 1;
        }
    }

    fn within(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = (&Key, &StoredWindow)> {
        self.windows.iter().filter(move |((start, _), _)| (from..to).contains(start))
    }

    fn baseline(&self, (start, code): Key) -> Result<Baseline, Failure> {
        let of_currency = |(_, currency): &&Key| *currency == code;
        let since = self.windows.keys().find(of_currency).map_or(start, |(start, _)| *start);
        let sales = |at| self.windows.get(&(at, code)).map(StoredWindow::sales);
        let beside = i64::try_from(BESIDE).map_err(Failure::internal)?;
        let mut windows = Vec::new();
        for week in 1..=i64::try_from(WEEKS).map_err(Failure::internal)? {
            let middle = seconds_after(start, -week * WEEK)?;
            if seconds_after(middle, -beside * WINDOW_SECONDS)? >= since {
                for at in -beside..=beside {
                    windows.push(sales(seconds_after(middle, at * WINDOW_SECONDS)?).unwrap_or_default());
                }
            }
        }
        Ok(Baseline { previous: sales(seconds_after(start, -WINDOW_SECONDS)?), windows })
    }

    fn summary(&self, from: Timestamp, to: Timestamp, now: Timestamp) -> Result<SalesSummary, Failure> {
        let windows = self.within(from, to).map(|(key, kept)| kept.window(*key)).collect::<Result<Vec<_>, _>>()?;
        let bought = self.customers.values().filter(|one| (from..to).contains(&one.last));
        let (mut buyers, mut between, mut pairs) = (CustomerCounts::default(), 0, 0);
        for one in bought {
            match one.orders {
                1 => buyers.once += 1,
                orders => {
                    buyers.again += 1;
                    between += one.last.as_second() - one.first.0.as_second();
                    pairs += orders - 1;
                }
            }
        }
        buyers.seconds_between_orders = (pairs > 0).then(|| between / pairs);
        let mut summary = SalesSummary { days: days(&windows)?, buyers, ..SalesSummary::default() };
        let (mut products, mut regions) = (BTreeMap::new(), BTreeMap::new());
        let mut cancellations: BTreeMap<&'static str, (Reason, i64)> = BTreeMap::new();
        for ((_, code), kept) in self.within(from, to) {
            for record in &kept.records {
                match &record.counted {
                    Counted::Sale { region, products: sold, .. } => {
                        let minor = record.amount().amount.get();
                        let region = regions.entry((region.to_string(), *code)).or_insert((0, 0));
                        (region.0, region.1) = (region.0 + 1, region.1 + minor);
                        for (id, name, units) in sold {
                            let product = products.entry(*id).or_insert((String::new(), 0));
                            product.0 = product.0.as_str().max(name.as_str()).to_owned();
                            product.1 += i64::from(*units);
                        }
                    }
                    Counted::Cancellation { reason, .. } => {
                        cancellations.entry(reason.name()).or_insert((*reason, 0)).1 += 1;
                    }
                    Counted::Paid(_) | Counted::Declined(_) | Counted::Refunded(_) => {}
                }
            }
        }
        let product = |(product_id, (name, units))| SoldProduct { product_id, name, units };
        summary.top_products = products.into_iter().map(product).collect();
        summary.top_products.sort_by_key(|product| (Reverse(product.units), product.product_id));
        summary.top_products.truncate(TOP);
        for ((region, code), (orders, revenue)) in regions {
            let currency = Currency::parse(code).map_err(Failure::internal)?;
            summary.regions.push(SoldRegion { region, currency, orders, revenue });
        }
        summary.regions.sort_by_key(|region| Reverse(region.orders));
        summary.regions.truncate(MAX_REGIONS);
        summary.cancellations = cancellations.into_values().collect();
        summary.minutes = self.minutes(now)?;
        Ok(summary)
    }

    fn minutes(&self, now: Timestamp) -> Result<Vec<MinuteCount>, Failure> {
        let after = seconds_after(now, -60 * RATE_MINUTES)?;
        let mut minutes: BTreeMap<Timestamp, i64> = BTreeMap::new();
        for record in self.windows.values().flat_map(|kept| &kept.records) {
            let minute = aligned(record.at, 60)?;
            if matches!(record.counted, Counted::Sale { .. }) && minute > after && minute <= now {
                *minutes.entry(minute).or_default() += 1;
            }
        }
        Ok(minutes.into_iter().map(|(minute, orders)| MinuteCount { minute, orders }).collect())
    }
}

/// The start of the span of so many seconds that contains `at`.
fn aligned(at: Timestamp, seconds: i64) -> Result<Timestamp, Failure> {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(seconds)).map_err(Failure::internal)
}

fn days(windows: &[Window]) -> Result<Vec<Day>, Failure> {
    let mut days: BTreeMap<Key, Day> = BTreeMap::new();
    let mut hours: BTreeMap<(Key, Timestamp), i64> = BTreeMap::new();
    for window in windows {
        let currency = window.revenue.currency;
        let key = (aligned(window.start, 24 * HOUR)?, currency.code());
        let day = days.entry(key).or_insert_with(|| Day {
            start: key.0,
            currency,
            orders: 0,
            revenue: 0,
            units: 0,
            first_orders: 0,
            payments: domain::window::Payments::default(),
            peak_hour: None,
        });
        day.orders += window.orders;
        day.revenue += window.revenue.amount;
        day.units += window.units;
        day.first_orders += window.first_orders;
        let (sums, own) = (&mut day.payments, &window.payments);
        for (sum, own) in
            [(&mut sums.paid, own.paid), (&mut sums.declined, own.declined), (&mut sums.refunded, own.refunded)]
        {
            (sum.count, sum.amount) = (sum.count + own.count, sum.amount + own.amount);
        }
        *hours.entry((key, aligned(window.start, HOUR)?)).or_default() += window.orders;
    }
    for ((key, start), orders) in hours {
        let Some(day) = days.get_mut(&key) else { continue };
        if orders > day.peak_hour.map_or(0, |peak| peak.orders) {
            day.peak_hour = Some(PeakHour { start, orders });
        }
    }
    Ok(days.into_values().collect())
}

impl Windows {
    /// Number of orders and revenue in minor units, summed over all windows.
    pub fn totals(&self) -> (i64, i64) {
        self.0.inspect(|state| state.windows.totals)
    }
}

impl ports::WindowStore for Windows {
    async fn add(&self, records: &[WindowEntry]) -> Result<(), Failure> {
        let commit = self.0.commit("windows.add", |state| {
            for record in records {
                state.windows.add(record);
            }
            Ok(())
        });
        commit.await
    }

    async fn forget(&self, customers: &[UserId]) -> Result<(), Failure> {
        if customers.is_empty() {
            return Ok(());
        }
        let commit = self.0.commit("windows.forget", |state| {
            state.windows.customers.retain(|customer, _| !customers.contains(customer));
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
            let within = state.windows.within(from, to);
            let mut found: Vec<_> = within.filter(|(place, _)| after.is_none_or(|after| **place > after)).collect();
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|((start, currency), _)| format!("{start}/{currency}"));
            let items = found.into_iter().map(|(key, kept)| kept.window(*key));
            Ok(Page { items: items.collect::<Result<_, Failure>>()?, next })
        });
        query.await
    }

    async fn anomalies(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<FoundAnomaly>, Failure> {
        self.0.query(Dependency::Database, |state| state.windows.anomalies.page(from, to, limit, cursor)).await
    }

    async fn summary(&self, from: Timestamp, to: Timestamp, now: Timestamp) -> Result<SalesSummary, Failure> {
        self.0.query(Dependency::Database, |state| state.windows.summary(from, to, now)).await
    }
}

impl ports::WindowClosing for Windows {
    async fn open(&self, until: Timestamp) -> Result<(), Failure> {
        let since = seconds_after(until, -4 * WEEK)?;
        let commit = self.0.commit("windows.open", |state| {
            let windows = &mut state.windows.windows;
            let is_active = |((start, _), kept): &(&Key, &StoredWindow)| *start >= since && kept.sales().orders > 0;
            let active: HashSet<&str> = windows.iter().filter(is_active).map(|((_, code), _)| *code).collect();
            for back in 1..=HOUR / WINDOW_SECONDS {
                for code in &active {
                    windows
                        .entry((seconds_after(until, -back * WINDOW_SECONDS)?, code))
                        .or_insert_with(StoredWindow::new);
                }
            }
            Ok(())
        });
        commit.await
    }

    async fn changed(&self, until: Timestamp, limit: u32) -> Result<Vec<ChangedWindow>, Failure> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let due = |((start, _), kept): &(&Key, &StoredWindow)| *start < until && kept.published < kept.revision;
            let changed = state.windows.windows.iter().filter(due).take(limit).map(|(key, kept)| {
                let baseline = (kept.published == 0).then(|| state.windows.baseline(*key)).transpose()?;
                Ok(ChangedWindow { window: kept.window(*key)?, changes: kept.changes, baseline })
            });
            changed.collect()
        });
        query.await
    }

    async fn publish(&self, closings: &[WindowRevision]) -> Result<u32, Failure> {
        let commit = self.0.commit("windows.publish", |state| {
            let mut published = 0;
            for closing in closings {
                let key = (closing.start, closing.currency.code());
                let Some(kept) = state.windows.windows.get_mut(&key) else { continue };
                if kept.changes == closing.changes && kept.published < closing.revision {
                    kept.published = closing.revision;
                    closing.events.iter().for_each(|event| state.outbox.add(event));
                    state.windows.anomalies.add(closing);
                    published += 1;
                }
            }
            Ok(published)
        });
        commit.await
    }
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, &str), Failure> {
    let (start, currency) = cursor.split_once('/').unwrap_or_default();
    let start = start.parse().map_err(|_| Failure::field("?cursor", "is not a cursor of this list"))?;
    Ok((start, currency))
}
