//! Delivers what the fakes publish to the consumers in the catalog until no delivery is left.
//!
//! There are no clock, no delays and no batches: events are delivered in the order in which they were published, to
//! consumers in the order in which they subscribed. A delivery that fails with a retryable failure, or whose consumer
//! crashes, goes to the end of the queue.

use crate::{Crashed, Platform};
use catalog::{Function, MAX_RECEIVES, Trigger};
use domain::{Event, product::Product, window::StreamRecord};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::Failure;
use ports::EventLogRecord;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// Upper bound on deliveries. More of them mean that events trigger each other endlessly.
const MAX_DELIVERIES: usize = 100_000;

/// Delivers events from the bus and the analytics stream, product changes from the table, and records from the event
/// log.
pub struct Dispatcher<'a> {
    platform: Platform,
    routes: Vec<Route<'a>>,
    queue: VecDeque<Delivery>,
    offsets: Offsets,
    copies: usize,
}

struct Route<'a> {
    name: &'static str,
    source: Source,
    handle: Box<Handle<'a>>,
}

type Handle<'a> = dyn Fn(Content) -> LocalBoxFuture<'a, Result<(), Failure>> + 'a;

/// Source of a consumer's records, with the event types or topics that it subscribes to.
enum Source {
    Bus(&'static [&'static catalog::Event]),
    Stream(&'static [&'static catalog::Event]),
    Changes,
    Log(&'static [&'static catalog::KafkaTopic]),
}

#[derive(Clone)]
enum Content {
    Event(Rc<Event>),
    AnalyticsRecord(Rc<StreamRecord>),
    Change(Rc<Product>),
    Record(Rc<EventLogRecord>),
}

struct Delivery {
    route: usize,
    content: Content,
    attempt: u32,
}

/// Number of records read from each source.
#[derive(Default)]
struct Offsets {
    bus: usize,
    stream: usize,
    changes: usize,
    log: usize,
}

/// Outcome of [`Dispatcher::run_until_idle`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Consumer and record name of each successful delivery, in order.
    pub delivered: Vec<(&'static str, &'static str)>,
    /// Number of deliveries that failed and were retried.
    pub retries: u32,
    /// Consumer and failure of each delivery that was not retried any more.
    pub failed: Vec<(&'static str, Failure)>,
}

impl<'a> Dispatcher<'a> {
    /// Dispatches what is published on `platform` from now on.
    pub fn new(platform: &Platform) -> Self {
        let mut dispatcher = Self {
            platform: platform.clone(),
            routes: vec![],
            queue: VecDeque::new(),
            offsets: Offsets::default(),
            copies: 1,
        };
        dispatcher.enqueue_new();
        dispatcher
    }

    /// Delivers each record `copies` times, to test deduplication.
    #[must_use]
    pub fn copies(self, copies: usize) -> Self {
        Self { copies, ..self }
    }

    /// Subscribes `handle` to the events of `function`'s catalog row, from the bus.
    #[must_use]
    pub fn subscribe(
        self,
        function: &'static Function,
        handle: impl AsyncFn(Event) -> Result<(), Failure> + 'a,
    ) -> Self {
        assert!(function.has_queue(), "the catalog row of {} consumes no events of the bus", function.name);
        self.route(function, Source::Bus(function.consumes()), async move |content| match content {
            Content::Event(event) => handle(Event::clone(&event)).await,
            _ => Ok(()),
        })
    }

    /// Subscribes `handle` to the records of the analytics stream.
    #[must_use]
    pub fn subscribe_to_stream(
        self,
        function: &'static Function,
        handle: impl AsyncFn(StreamRecord) -> Result<(), Failure> + 'a,
    ) -> Self {
        let Trigger::Stream(_, events) = function.trigger else {
            panic!("the catalog row of {} has no stream", function.name)
        };
        self.route(function, Source::Stream(events), async move |content| match content {
            Content::AnalyticsRecord(record) => handle(StreamRecord::clone(&record)).await,
            _ => Ok(()),
        })
    }

    /// Subscribes `handle` to created products, as the DynamoDB stream of the products table delivers them.
    #[must_use]
    pub fn subscribe_to_changes(
        self,
        function: &'static Function,
        handle: impl AsyncFn(Product) -> Result<(), Failure> + 'a,
    ) -> Self {
        self.route(function, Source::Changes, async move |content| match content {
            Content::Change(product) => handle(Product::clone(&product)).await,
            _ => Ok(()),
        })
    }

    /// Subscribes `handle` to the event log records on the topics of `function`'s catalog row.
    #[must_use]
    pub fn subscribe_to_log(
        self,
        function: &'static Function,
        handle: impl AsyncFn(EventLogRecord) -> Result<(), Failure> + 'a,
    ) -> Self {
        let Trigger::Kafka(topics) = function.trigger else {
            panic!("the catalog row of {} has no Kafka trigger", function.name)
        };
        self.route(function, Source::Log(topics), async move |content| match content {
            Content::Record(record) => handle(EventLogRecord::clone(&record)).await,
            _ => Ok(()),
        })
    }

    fn route(
        mut self,
        function: &'static Function,
        source: Source,
        handle: impl AsyncFn(Content) -> Result<(), Failure> + 'a,
    ) -> Self {
        let handle = Rc::new(handle);
        let handle = move |content| {
            let handle = Rc::clone(&handle);
            async move { handle(content).await }.boxed_local()
        };
        self.routes.push(Route { name: function.name, source, handle: Box::new(handle) });
        self
    }

    /// Delivers until the queue is empty. Events that wait in the outbox are not delivered: they need a sweep.
    pub async fn run_until_idle(&mut self) -> DeliveryReport {
        let mut report = DeliveryReport::default();
        self.enqueue_new();
        while let Some(delivery) = self.queue.pop_front() {
            let route = &self.routes[delivery.route];
            let outcome = self.platform.run((route.handle)(delivery.content.clone())).await;
            match outcome.unwrap_or_else(|Crashed| Err(Failure::unavailable("process", "the process crashed"))) {
                Ok(()) => report.delivered.push((route.name, delivery.content.name())),
                Err(failure) if failure.is_retryable() && delivery.attempt < MAX_RECEIVES => {
                    report.retries += 1;
                    self.queue.push_back(Delivery { attempt: delivery.attempt + 1, ..delivery });
                }
                Err(failure) => report.failed.push((route.name, failure)),
            }
            assert!(
                report.delivered.len() < MAX_DELIVERIES,
                "the deliveries do not end: {:?}",
                &report.delivered[..50]
            );
            self.enqueue_new();
        }
        report
    }

    /// Queues the new records of all sources.
    fn enqueue_new(&mut self) {
        for event in self.platform.bus().published_after(self.offsets.bus) {
            self.offsets.bus += 1;
            let row = event.event.row();
            self.enqueue(
                &Content::Event(event),
                |source| matches!(source, Source::Bus(events) if includes(events, row)),
            );
        }
        for record in self.platform.analytics_stream().records_after(self.offsets.stream) {
            self.offsets.stream += 1;
            let row = record.event.row();
            self.enqueue(
                &Content::AnalyticsRecord(record),
                |source| matches!(source, Source::Stream(events) if includes(events, row)),
            );
        }
        for product in self.platform.products().created_after(self.offsets.changes) {
            self.offsets.changes += 1;
            self.enqueue(&Content::Change(Rc::new(product)), |source| matches!(source, Source::Changes));
        }
        for record in self.platform.event_log().records_after(self.offsets.log) {
            self.offsets.log += 1;
            let topic = record.topic;
            let on = |topics: &[&catalog::KafkaTopic]| topics.iter().any(|one| one.name == topic);
            self.enqueue(&Content::Record(record), |source| matches!(source, Source::Log(topics) if on(topics)));
        }
    }

    fn enqueue(&mut self, content: &Content, matches_source: impl Fn(&Source) -> bool) {
        for (route, _) in self.routes.iter().enumerate().filter(|(_, route)| matches_source(&route.source)) {
            for _ in 0..self.copies {
                self.queue.push_back(Delivery { route, content: content.clone(), attempt: 1 });
            }
        }
    }
}

fn includes(events: &[&catalog::Event], row: &catalog::Event) -> bool {
    events.iter().any(|event| event.name == row.name)
}

impl Content {
    fn name(&self) -> &'static str {
        match self {
            Self::Event(event) => event.event.row().name,
            Self::AnalyticsRecord(_) => catalog::ANALYTICS.name,
            Self::Change(_) => catalog::PRODUCTS.name,
            Self::Record(record) => record.topic,
        }
    }
}

impl fmt::Debug for Dispatcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.routes.iter().map(|route| route.name).collect();
        f.debug_struct("Dispatcher").field("routes", &names).field("queued", &self.queue.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "deliver_tests.rs"]
mod tests;
