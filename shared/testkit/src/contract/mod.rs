//! Contract suites: the rules of each port as functions. The in-memory fakes and the real adapters run the same suites.
//!
//! `testkit::contract_orders!(fixture())` generates one test per rule, each over a new [`Fixture`]. Each run uses new
//! ids, so that suites can share a database, cache or bucket.

#![allow(missing_docs)] // The name of a function states its rule.

#[cfg(test)]
mod fakes;
mod observer;
mod rules;

pub mod accounts;
pub mod adjustments;
pub mod admins;
pub mod analytics_stream;
pub mod archive;
pub mod attempts;
pub mod backorders;
pub mod bus;
pub mod cache;
pub mod circuit_breaker;
pub mod client_secrets;
pub mod clients;
pub mod consumer_mappings;
pub mod contacts;
pub mod credit_notes;
pub mod dead_letter_queues;
pub mod dead_letters;
pub mod documents;
pub mod email_sender;
pub mod event_history;
pub mod event_log;
pub mod event_records;
pub mod gateway;
pub mod image_objects;
pub mod invoice_renderer;
pub mod invoices;
pub mod jobs;
pub mod ledger;
pub mod log_topics;
pub mod message_budgets;
pub mod message_templates;
pub mod migrations;
pub mod operator_actions;
pub mod order_administration;
pub mod order_erasure;
pub mod order_limits;
pub mod orders;
pub mod outbox;
pub mod password_changes;
pub mod password_strength;
pub mod passwords;
pub mod payment_lists;
pub mod payment_requests;
pub mod payments;
pub mod personal_data;
pub mod preferences;
pub mod prices;
pub mod product_files;
pub mod product_index;
pub mod product_snapshots;
pub mod products;
pub mod push_sender;
pub mod rate_limiter;
pub mod record_archive;
pub mod records;
pub mod request_sources;
pub mod reservations;
pub mod revocations;
pub mod role_secrets;
pub mod saved_methods;
pub mod second_factors;
pub mod sessions;
pub mod sms_sender;
pub mod sources;
pub mod stock;
pub mod storefront;
pub mod sweep_positions;
pub mod template_edits;
pub mod tokens;
pub mod users;
pub mod verifications;
pub mod webhook_failures;
pub mod webhooks;
pub mod window_closing;
pub mod window_figures;
pub mod windows;

pub use observer::{Observed, Observer, Reader};

use crate::{Dependency, Platform, build};
use domain::{DomainEvent, Event, id::UserId, user::Role};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::{Failure, FailureKind, Ids, Timestamp, Uuid};
use ports::{Claim, Credentials, Outbox, SweepReport};
use std::any::Any;
use std::fmt;
use std::future::Future;

/// The port under test in one or more processes, and the platform whose bus they publish to.
pub struct Fixture<P> {
    processes: Vec<P>,
    platform: Platform,
    sweep: Option<Box<Sweep>>,
    settle: Option<Box<Settle>>,
    resource: Option<Box<dyn Any>>,
}

type Sweep = dyn Fn(Timestamp) -> LocalBoxFuture<'static, Result<SweepReport, Failure>>;
type Settle = dyn Fn() -> LocalBoxFuture<'static, ()>;

impl<P> Fixture<P> {
    /// Creates a fixture of processes that share one store, for example over separate connections, and publish to the
    /// bus of `platform`.
    pub fn new(processes: impl IntoIterator<Item = P>, platform: &Platform) -> Self {
        let processes = processes.into_iter().collect();
        Self { processes, platform: platform.clone(), sweep: None, settle: None, resource: None }
    }

    /// Sets the function that waits until a change by one process is visible to the others.
    #[must_use]
    pub fn with_propagation<F: Future<Output = ()> + 'static>(self, settle: impl Fn() -> F + 'static) -> Self {
        Self { settle: Some(Box::new(move || settle().boxed_local())), ..self }
    }

    /// Keeps a resource alive as long as the fixture, for example a database that is dropped with it.
    #[must_use]
    pub fn holding(self, resource: impl Any) -> Self {
        Self { resource: Some(Box::new(resource)), ..self }
    }

    /// Sets the outbox of the port's events.
    #[must_use]
    pub fn with_outbox<O: Outbox + 'static>(self, outbox: O) -> Self {
        let outbox = std::rc::Rc::new(outbox);
        let sweep = move |before| {
            let outbox = std::rc::Rc::clone(&outbox);
            async move { outbox.sweep(before, 100, None).await }.boxed_local()
        };
        Self { sweep: Some(Box::new(sweep)), ..self }
    }

    fn port(&self) -> &P {
        self.processes.first().expect("at least one process")
    }

    /// `count` handles for concurrent calls, cycling through the processes.
    fn concurrent(&self, count: usize) -> impl Iterator<Item = &P> {
        self.processes.iter().cycle().take(count)
    }

    /// Waits until changes are visible to all processes.
    async fn wait_for_propagation(&self) {
        if let Some(settle) = &self.settle {
            settle().await;
        }
    }

    /// The event `id`, if it was published.
    fn published(&self, id: Uuid) -> Option<Event> {
        self.platform.bus().published().into_iter().find(|event| event.id == id)
    }

    /// How many times the event `id` was published.
    fn publish_count(&self, id: Uuid) -> usize {
        self.platform.bus().published().iter().filter(|event| event.id == id).count()
    }

    /// Publishes all pending events.
    async fn sweep(&self) -> SweepReport {
        let sweep = self.sweep.as_ref().expect("this suite needs an outbox: call Fixture::with_outbox");
        sweep(later(6 * 3_600)).await.expect("the sweep succeeds")
    }

    /// Asserts that `command` succeeds while the bus is down, and that the sweep publishes its event `id` once
    /// afterwards.
    async fn assert_published_after_outage<T: fmt::Debug>(
        &self,
        id: Uuid,
        command: impl Future<Output = Result<T, Failure>>,
    ) -> T {
        self.platform.faults().take_down(Dependency::Bus);
        let done = command.await.expect("the command succeeds without the bus");
        assert_eq!(self.publish_count(id), 0, "the bus was down");
        self.platform.faults().restore(Dependency::Bus);
        assert_eq!(self.sweep().await.sent, 1);
        assert_eq!(self.publish_count(id), 1, "the sweep publishes the pending event");
        assert_eq!(self.sweep().await.sent, 0);
        assert_eq!(self.publish_count(id), 1, "it is published once");
        done
    }

    /// Asserts that exactly the events `ids` were published, once each, and that none is pending.
    async fn assert_only_published(&self, ids: &[Uuid]) {
        self.sweep().await;
        let published: Vec<Uuid> = self.platform.bus().published().iter().map(|event| event.id).collect();
        assert_eq!(published.len(), ids.len(), "published {published:?} instead of {ids:?}");
        for id in ids {
            assert_eq!(self.publish_count(*id), 1, "{id} in {published:?}");
        }
    }
}

impl<P> fmt::Debug for Fixture<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("processes", &self.processes.len())
            .field("resource", &self.resource.is_some())
            .finish_non_exhaustive()
    }
}

fn fresh() -> Uuid {
    Ids::system().next()
}

/// The current second. Stores with micro- or milliseconds return it unchanged.
fn now() -> Timestamp {
    later(0)
}

thread_local! {
    /// When the rule began: a rule that compares instants must not meet the end of a second.
    static BEGAN: Timestamp = Timestamp::now();
}

/// The instant `seconds` after [`now`].
fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGAN.with(|began| began.as_second()) + seconds).expect("within the calendar")
}

/// What a login of a customer reads before it verifies the password.
fn credentials(user_id: UserId, password_hash: &str) -> Credentials {
    let password_hash = password_hash.to_owned();
    Credentials { user_id, role: Role::Customer, password_hash, has_second_factor: false }
}

fn a_claim(consumer: &'static str) -> Claim {
    Claim { consumer, event_id: fresh() }
}

fn an_event(data: impl Into<DomainEvent>) -> Event {
    build::event_with(fresh(), now(), data)
}

/// Kind and code of the expected failure.
fn kind_and_code<T: fmt::Debug>(outcome: Result<T, Failure>) -> (FailureKind, &'static str) {
    let failure = outcome.expect_err("a failure");
    (failure.kind, failure.code)
}
