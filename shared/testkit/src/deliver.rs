//! A small platform in one process: what the twins publish goes to the consumers that the catalog names, until all is quiet.
//!
//! No clock, no queue's delays, no batches: events go out in the order in which they were published, to the consumers in the order
//! in which they were registered. What fails and may pass is delivered again at the end of the line, and so is what a consumer
//! died of at a crash point.

use crate::{Crashed, Platform};
use catalog::{Function, MAX_RECEIVES, Trigger};
use domain::{Event, product::Product};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::Failure;
use ports::LogRecord;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// More deliveries than any journey needs: events chase each other in a circle.
const ENDLESS: usize = 100_000;

/// Carries events from the bus to consumers, facts from the stream, changes of products from their table, records from the log.
pub struct Dispatcher<'a> {
    platform: Platform,
    routes: Vec<Route<'a>>,
    line: VecDeque<Parcel>,
    seen: Offsets,
    copies: usize,
}

struct Route<'a> {
    name: &'static str,
    wants: Wants,
    handle: Box<Handle<'a>>,
}

type Handle<'a> = dyn Fn(Content) -> LocalBoxFuture<'a, Result<(), Failure>> + 'a;

/// Where a consumer gets its records from.
enum Wants {
    Bus(&'static [&'static catalog::Event]),
    Stream(&'static [&'static catalog::Event]),
    Changes,
    Log(&'static [&'static catalog::KafkaTopic]),
}

#[derive(Clone)]
enum Content {
    Event(Rc<Event>),
    Change(Rc<Product>),
    Record(Rc<LogRecord>),
}

struct Parcel {
    route: usize,
    content: Content,
    attempt: u32,
}

/// How far each source has been read.
#[derive(Default)]
struct Offsets {
    bus: usize,
    stream: usize,
    changes: usize,
    log: usize,
}

/// What was delivered until all was quiet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Consumer and record of each delivery that was done, in order.
    pub delivered: Vec<(&'static str, &'static str)>,
    /// Deliveries that failed and were tried again.
    pub retries: u32,
    /// Consumer and failure of what was given up.
    pub failed: Vec<(&'static str, Failure)>,
}

impl<'a> Dispatcher<'a> {
    /// For what is published on `platform` from now on.
    pub fn new(platform: &Platform) -> Self {
        let mut dispatcher = Self {
            platform: platform.clone(),
            routes: vec![],
            line: VecDeque::new(),
            seen: Offsets::default(),
            copies: 1,
        };
        dispatcher.collect();
        dispatcher
    }

    /// Delivers everything so often: a consumer must not mind.
    #[must_use]
    pub fn copies(self, copies: usize) -> Self {
        Self { copies, ..self }
    }

    /// Gives `handle` the events of `function`'s row: from the bus or, where the row says so, from the stream.
    #[must_use]
    pub fn subscribe(
        self,
        function: &'static Function,
        handle: impl AsyncFn(Event) -> Result<(), Failure> + 'a,
    ) -> Self {
        let wants = match function.trigger {
            Trigger::Stream(_, events) => Wants::Stream(events),
            _ if function.has_queue() => Wants::Bus(function.consumes()),
            _ => panic!("the row of {} consumes no events", function.name),
        };
        self.route(function, wants, async move |content| match content {
            Content::Event(event) => handle(Event::clone(&event)).await,
            _ => Ok(()),
        })
    }

    /// Gives `handle` the products that were created, as the table's stream of changes does.
    #[must_use]
    pub fn subscribe_to_changes(
        self,
        function: &'static Function,
        handle: impl AsyncFn(Product) -> Result<(), Failure> + 'a,
    ) -> Self {
        self.route(function, Wants::Changes, async move |content| match content {
            Content::Change(product) => handle(Product::clone(&product)).await,
            _ => Ok(()),
        })
    }

    /// Gives `handle` the records of the log that are on the topics of `function`'s row.
    #[must_use]
    pub fn subscribe_to_log(
        self,
        function: &'static Function,
        handle: impl AsyncFn(LogRecord) -> Result<(), Failure> + 'a,
    ) -> Self {
        let Trigger::Kafka(topics) = function.trigger else { panic!("the row of {} reads no log", function.name) };
        self.route(function, Wants::Log(topics), async move |content| match content {
            Content::Record(record) => handle(LogRecord::clone(&record)).await,
            _ => Ok(()),
        })
    }

    fn route(
        mut self,
        function: &'static Function,
        wants: Wants,
        handle: impl AsyncFn(Content) -> Result<(), Failure> + 'a,
    ) -> Self {
        let handle = Rc::new(handle);
        let handle = move |content| {
            let handle = Rc::clone(&handle);
            async move { handle(content).await }.boxed_local()
        };
        self.routes.push(Route { name: function.name, wants, handle: Box::new(handle) });
        self
    }

    /// Delivers until nothing is on its way. What waits in the outbox is not: that takes a sweep.
    pub async fn run_until_idle(&mut self) -> DeliveryReport {
        let mut report = DeliveryReport::default();
        self.collect();
        while let Some(parcel) = self.line.pop_front() {
            let route = &self.routes[parcel.route];
            let outcome = self.platform.run((route.handle)(parcel.content.clone())).await;
            match outcome.unwrap_or_else(|Crashed| Err(Failure::unavailable("process", "it died"))) {
                Ok(()) => report.delivered.push((route.name, parcel.content.name())),
                Err(failure) if failure.is_retryable() && parcel.attempt < MAX_RECEIVES => {
                    report.retries += 1;
                    self.line.push_back(Parcel { attempt: parcel.attempt + 1, ..parcel });
                }
                Err(failure) => report.failed.push((route.name, failure)),
            }
            assert!(report.delivered.len() < ENDLESS, "this does not come to an end: {:?}", &report.delivered[..50]);
            self.collect();
        }
        report
    }

    /// Puts what is new at its sources into the line.
    fn collect(&mut self) {
        for event in self.platform.bus().published_after(self.seen.bus) {
            self.seen.bus += 1;
            let row = event.event.row();
            self.enqueue(&Content::Event(event), |wants| matches!(wants, Wants::Bus(events) if has(events, row)));
        }
        for event in self.platform.analytics_stream().events_after(self.seen.stream) {
            self.seen.stream += 1;
            let row = event.event.row();
            self.enqueue(&Content::Event(event), |wants| matches!(wants, Wants::Stream(events) if has(events, row)));
        }
        for product in self.platform.products().created_after(self.seen.changes) {
            self.seen.changes += 1;
            self.enqueue(&Content::Change(Rc::new(product)), |wants| matches!(wants, Wants::Changes));
        }
        for record in self.platform.event_log().records_after(self.seen.log) {
            self.seen.log += 1;
            let topic = record.topic;
            let on = |topics: &[&catalog::KafkaTopic]| topics.iter().any(|one| one.name == topic);
            self.enqueue(&Content::Record(record), |wants| matches!(wants, Wants::Log(topics) if on(topics)));
        }
    }

    fn enqueue(&mut self, content: &Content, wanted: impl Fn(&Wants) -> bool) {
        for (route, _) in self.routes.iter().enumerate().filter(|(_, route)| wanted(&route.wants)) {
            for _ in 0..self.copies {
                self.line.push_back(Parcel { route, content: content.clone(), attempt: 1 });
            }
        }
    }
}

fn has(events: &[&catalog::Event], row: &catalog::Event) -> bool {
    events.iter().any(|event| event.name == row.name)
}

impl Content {
    fn name(&self) -> &'static str {
        match self {
            Self::Event(event) => event.event.row().name,
            Self::Change(_) => catalog::PRODUCTS.name,
            Self::Record(record) => record.topic,
        }
    }
}

impl fmt::Debug for Dispatcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.routes.iter().map(|route| route.name).collect();
        f.debug_struct("Dispatcher")
            .field("routes", &names)
            .field("on_its_way", &self.line.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "deliver_tests.rs"]
mod tests;
