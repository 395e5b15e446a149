//! What each port promises, as functions: one a rule. The twins in memory and the real adapters run through the same ones.
//!
//! `testkit::contract_orders!(under())` makes one test a rule, each over a fresh [`Under`]. Ids are drawn anew for each run, so that
//! a suite can run over the same database, cache or bucket again and again, and next to others.

#![allow(missing_docs)] // The name of a rule is the rule.

#[cfg(test)]
mod fakes;
mod observer;
mod rules;

pub mod adjustments;
pub mod analytics_stream;
pub mod archive;
pub mod backorders;
pub mod bus;
pub mod cache;
pub mod circuit_breaker;
pub mod contacts;
pub mod dead_letters;
pub mod documents;
pub mod email_sender;
pub mod event_log;
pub mod gateway;
pub mod invoice_renderer;
pub mod invoices;
pub mod ledger;
pub mod message_templates;
pub mod migrations;
pub mod orders;
pub mod outbox;
pub mod passwords;
pub mod payments;
pub mod preferences;
pub mod product_snapshots;
pub mod products;
pub mod push_sender;
pub mod reservations;
pub mod sms_sender;
pub mod stock;
pub mod tokens;
pub mod users;
pub mod windows;

pub use observer::{Observed, Observer, Reader};

use crate::{Dependency, Platform, build};
use domain::{DomainEvent, Event};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::{Failure, FailureKind, Ids, Timestamp, Uuid};
use ports::{Claim, Outbox, SweepReport};
use std::any::Any;
use std::fmt;
use std::future::Future;

/// A port under test, as several processes see it, and the bus that they send to.
pub struct Fixture<P> {
    processes: Vec<P>,
    platform: Platform,
    sweep: Option<Box<Sweep>>,
    settle: Option<Box<Settle>>,
    kept: Option<Box<dyn Any>>,
}

type Sweep = dyn Fn(Timestamp) -> LocalBoxFuture<'static, Result<SweepReport, Failure>>;
type Settle = dyn Fn() -> LocalBoxFuture<'static, ()>;

impl<P> Fixture<P> {
    /// One process or several that share what they keep (each with a connection of its own, say) and send their events to the
    /// bus of `platform`.
    pub fn new(processes: impl IntoIterator<Item = P>, platform: &Platform) -> Self {
        let processes = processes.into_iter().collect();
        Self { processes, platform: platform.clone(), sweep: None, settle: None, kept: None }
    }

    /// The same, where one process learns of what another did only after a while, and `settle` lets that while pass.
    #[must_use]
    pub fn with_propagation<F: Future<Output = ()> + 'static>(self, settle: impl Fn() -> F + 'static) -> Self {
        Self { settle: Some(Box::new(move || settle().boxed_local())), ..self }
    }

    /// The same, with what must live as long: a database that is dropped at its end, say.
    #[must_use]
    pub fn holding(self, kept: impl Any) -> Self {
        Self { kept: Some(Box::new(kept)), ..self }
    }

    /// The same, with the outbox that its events wait in.
    #[must_use]
    pub fn with_outbox<O: Outbox + 'static>(self, outbox: O) -> Self {
        let outbox = std::rc::Rc::new(outbox);
        let sweep = move |before| {
            let outbox = std::rc::Rc::clone(&outbox);
            async move { outbox.sweep(before, 100, None).await }.boxed_local()
        };
        Self { sweep: Some(Box::new(sweep)), ..self }
    }

    /// The first process.
    fn port(&self) -> &P {
        self.processes.first().expect("at least one process")
    }

    /// `count` processes, going round those that are there.
    fn concurrent(&self, count: usize) -> impl Iterator<Item = &P> {
        self.processes.iter().cycle().take(count)
    }

    /// What one process did is known to the others.
    async fn settle(&self) {
        if let Some(settle) = &self.settle {
            settle().await;
        }
    }

    /// How often the bus took the event `id`.
    fn publish_count(&self, id: Uuid) -> usize {
        self.platform.bus().published().iter().filter(|event| event.id == id).count()
    }

    /// What waits in the outbox goes out.
    async fn sweep(&self) -> SweepReport {
        let sweep = self.sweep.as_ref().expect("this suite needs the outbox: see Fixture::with_outbox");
        sweep(later(6 * 3_600)).await.expect("the sweep goes through")
    }

    /// While the bus is down `command` still succeeds, and its event `id` waits; when the bus is back the event goes out, once.
    async fn assert_published_after_outage<T: fmt::Debug>(
        &self,
        id: Uuid,
        command: impl Future<Output = Result<T, Failure>>,
    ) -> T {
        self.platform.faults().take_down(Dependency::Bus);
        let done = command.await.expect("a bus that is down is no reason to fail");
        assert_eq!(self.publish_count(id), 0, "the bus was down");
        self.platform.faults().restore(Dependency::Bus);
        assert_eq!(self.sweep().await.sent, 1);
        assert_eq!(self.publish_count(id), 1, "the sweep sends what waited");
        assert_eq!(self.sweep().await.sent, 0);
        assert_eq!(self.publish_count(id), 1, "and sends it once");
        done
    }

    /// Nothing waits, and the bus was told nothing but the events `ids`, each once.
    async fn assert_only_published(&self, ids: &[Uuid]) {
        self.sweep().await;
        let told: Vec<Uuid> = self.platform.bus().published().iter().map(|event| event.id).collect();
        assert_eq!(told.len(), ids.len(), "the bus was told {told:?} and not {ids:?}");
        for id in ids {
            assert_eq!(self.publish_count(*id), 1, "{id} in {told:?}");
        }
    }
}

impl<P> fmt::Debug for Fixture<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("processes", &self.processes.len())
            .field("kept", &self.kept.is_some())
            .finish_non_exhaustive()
    }
}

/// A new id.
fn fresh() -> Uuid {
    Ids::system().next()
}

/// This second, so that what is kept in micro- or milliseconds comes back as it was.
fn now() -> Timestamp {
    later(0)
}

/// So many seconds after [`now`].
fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() + seconds).expect("within the calendar")
}

/// A claim that nobody made yet.
fn a_claim(consumer: &'static str) -> Claim {
    Claim { consumer, event_id: fresh() }
}

/// A new event.
fn an_event(data: impl Into<DomainEvent>) -> Event {
    build::event_with(fresh(), now(), data)
}

/// The kind and the code of a failure.
fn why<T: fmt::Debug>(outcome: Result<T, Failure>) -> (FailureKind, &'static str) {
    let failure = outcome.expect_err("this must be refused");
    (failure.kind, failure.code)
}
