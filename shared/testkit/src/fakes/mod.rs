//! In-memory fakes of all ports over one shared state.
//!
//! Each port operation is a *step*: it queries the injected faults, then applies its effect atomically. Committing state and events is one
//! step; publishing the events, and marking them as published, are the steps after it.

mod accounts;
mod backbone;
mod budgets;
mod bulk;
mod canary;
mod catalogue;
mod circuit_breaker;
mod clients;
mod credit_notes;
mod event_records;
mod faults;
mod gateway;
mod handled_events;
mod identity;
mod images;
mod invoices;
mod keys;
mod ledger;
mod messengers;
mod notifications;
mod operators;
mod order_administration;
mod orders;
mod outbox;
mod passwords;
mod payments;
mod personal_data;
mod product_index;
mod rate_limiter;
mod records;
mod request_sources;
mod roles;
mod saved_methods;
mod sealing;
mod second_factors;
mod sessions;
mod snapshot;
mod sources;
mod stock;
mod tokens;
mod verifications;
mod webhook_endpoints;
mod webhooks;
mod windows;

pub use backbone::Probe;
pub use faults::{Access, Dependency, FaultPoint, InjectedFault, Occurrence, Operation};
pub use gateway::{Charge, GatewayRefund};
pub use images::ImageProcessor;
pub use invoices::InvoiceRenderer;
pub use messengers::{MessageTemplates, REPLACED_SUBJECT, RESET_SUBJECT, VERIFICATION_SUBJECT};
pub use request_sources::ORIGIN_SECRET;
pub use sessions::Session;
pub use snapshot::Snapshot;
pub use webhook_endpoints::ReceivedWebhook;
pub use webhooks::WebhookVerifier;

use backbone::{DeadLettersState, LogState, MigrationsState, StreamState, TopicsState};
use bulk::BulkState;
use canary::CanaryState;
use catalogue::{CacheState, ProductsState};
use domain::id::SessionId;
use event_records::RecordsState;
use faults::Plan;
use gateway::GatewayState;
use identity::UsersState;
use invoices::{InvoicesState, ObjectsState};
use kernel::{Failure, circuit_breaker::Circuit};
use messengers::{EmailState, PushState, SmsState};
use notifications::ContactsState;
use operators::{ActionsState, QueuesState};
use orders::OrdersState;
use outbox::{BusState, OutboxState};
use payments::PaymentsState;
use ports::Claim;
use product_index::IndexState;
use records::RecordStoreState;
use roles::RolesState;
use saved_methods::VaultState;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use stock::StockState;
use tokens::KeyRing;
use webhook_endpoints::WebhooksState;
use windows::WindowsState;

/// The state of all fakes. Clones share it.
#[derive(Clone, Default)]
pub struct Platform(Rc<Inner>);

#[derive(Default)]
struct Inner {
    state: RefCell<State>,
    plan: RefCell<Plan>,
    /// Number of steps that may have changed the database, the gateway or the dead letters, and of direct changes by tests.
    changes: Cell<u64>,
    crashed: Cell<bool>,
}

#[derive(Default)]
struct State {
    claims: HashSet<Claim>,
    failed_attempts: HashMap<Claim, handled_events::FailedAttempts>,
    outbox: OutboxState,
    bus: BusState,
    orders: OrdersState,
    stock: StockState,
    products: ProductsState,
    index: IndexState,
    cache: CacheState,
    users: UsersState,
    /// The sessions whose access tokens are revoked.
    revoked: HashSet<SessionId>,
    keys: KeyRing,
    payments: PaymentsState,
    gateway: GatewayState,
    vault: VaultState,
    breaker: Circuit,
    /// Until when each client has used up each policy of the limiter.
    used_until: HashMap<String, Vec<i64>>,
    contacts: ContactsState,
    webhooks: WebhooksState,
    email: EmailState,
    sms: SmsState,
    push: PushState,
    invoices: InvoicesState,
    documents: ObjectsState,
    images: ObjectsState,
    bulk: BulkState,
    windows: WindowsState,
    archive: ObjectsState,
    dead_letters: DeadLettersState,
    log: LogState,
    records: RecordsState,
    record_store: RecordStoreState,
    queues: QueuesState,
    actions: ActionsState,
    topics: TopicsState,
    stream: StreamState,
    migrations: MigrationsState,
    canary: CanaryState,
    roles: RolesState,
    /// Number of salts and refresh tokens issued.
    secrets: u64,
}

impl State {
    /// Records a claim; `false` if it exists. The step must not fail after this call.
    fn claim(&mut self, claim: Claim) -> bool {
        self.claims.insert(claim)
    }
}

/// The process crashed at an injected crash point: the rest of its work did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crashed;

macro_rules! handles {
    ($($(#[$doc:meta])* $method:ident $handle:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone)]
            pub struct $handle(Platform);
        )*

        impl Platform {
            $(
                $(#[$doc])*
                pub fn $method(&self) -> $handle {
                    $handle(self.clone())
                }
            )*
        }
    };
}

handles! {
    orders Orders;
    stock Stock;
    products Products;
    product_snapshots ProductSnapshots;
    /// The read model of products.
    product_index ProductIndex;
    cache Cache;
    users Users;
    /// Revoked sessions, which are forgotten when the cache is down.
    revocations Revocations;
    /// Fast, insecure password hashing.
    passwords Passwords;
    /// The counter key and the secret of a distribution.
    request_sources RequestSources;
    /// JWTs with a forgeable signature.
    tokens Tokens;
    payments Payments;
    ledger Ledger;
    /// A payment gateway with idempotency keys.
    gateway Gateway;
    circuit_breaker CircuitBreaker;
    /// Limits of clients: [`RateLimiter::POLICIES`].
    rate_limiter RateLimiter;
    contacts Contacts;
    webhooks Webhooks;
    /// Receives webhooks at every URL.
    webhook_receiver WebhookReceiver;
    /// Stores e-mails instead of sending them.
    email_sender EmailSender;
    /// Stores SMS instead of sending them.
    sms_sender SmsSender;
    /// Stores push messages instead of sending them, and registers endpoints.
    push_sender PushSender;
    invoices Invoices;
    documents Documents;
    /// Uploads and variants of images.
    image_objects ImageObjects;
    jobs Jobs;
    /// Files of imports and exports.
    product_files ProductFiles;
    windows Windows;
    archive Archive;
    event_log EventLog;
    /// The queues of all consumers.
    queues Queues;
    operator_actions OperatorActions;
    /// What operators see of every event.
    event_records EventRecords;
    records Records;
    sources Sources;
    record_topic RecordTopic;
    log_topics LogTopics;
    analytics_stream AnalyticsStream;
    bus Bus;
    outbox Outbox;
    /// The outbox of a context whose changes are stored elsewhere.
    events Events;
    /// The inbox of a consumer whose handler stores no claims.
    handled_events HandledEvents;
    migrations Migrations;
    role_secrets RoleSecrets;
    /// Seals reversibly, without a key.
    sealer Sealer;
    canary_accounts CanaryAccounts;
    /// The HTTP API, for orders of the canary alone.
    storefront Storefront;
    role_passwords RolePasswords;
    /// The dead-letter queue.
    dead_letters DeadLetters;
    faults Faults;
}

impl Platform {
    /// Creates an empty platform.
    pub fn new() -> Self {
        Self::default()
    }

    /// A readiness probe that fails while a fault is injected into `dependency`.
    pub fn probe(&self, dependency: Dependency) -> Probe {
        Probe { platform: self.clone(), dependency }
    }

    /// A verifier of plain JSON webhooks signed with [`WebhookVerifier::VALID_SIGNATURE`].
    pub fn webhook_verifier(&self) -> WebhookVerifier {
        WebhookVerifier
    }

    pub fn message_templates(&self) -> MessageTemplates {
        MessageTemplates
    }

    pub fn image_processor(&self) -> ImageProcessor {
        ImageProcessor
    }

    pub fn invoice_renderer(&self) -> InvoiceRenderer {
        InvoiceRenderer
    }

    /// All durable operations so far, in order.
    pub fn operations(&self) -> Vec<Operation> {
        self.0.plan.borrow().operations.clone()
    }

    /// Number of durable operations so far.
    pub fn operation_count(&self) -> usize {
        self.0.plan.borrow().operations.len()
    }

    /// Counter of possible changes to the database, the gateway and the dead letters. While it is unchanged, so are they.
    pub fn change_count(&self) -> u64 {
        self.0.changes.get()
    }

    /// Runs `work` as a process that crashes at the injected crash points: then its memory is dropped and its result is lost.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Crashed> {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.0.crashed.set(false);
            let polled = work.as_mut().poll(context);
            if self.0.crashed.replace(false) { Poll::Ready(Err(Crashed)) } else { polled.map(Ok) }
        })
        .await
    }

    /// A durable step, with a crash point before its effect and one after it.
    async fn step<T>(
        &self,
        dependency: Dependency,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.yield_turn().await;
        let fault = self.0.plan.borrow_mut().begin(dependency, name);
        if fault.crashes(true) {
            self.crash().await;
        }
        if fault.fails(true) {
            return Err(dependency.down());
        }
        if matches!(dependency, Dependency::Database | Dependency::Gateway | Dependency::DeadLetters) {
            self.0.changes.update(|changes| changes + 1);
        }
        let outcome = effect(&mut self.0.state.borrow_mut());
        if fault.crashes(false) {
            self.crash().await;
        }
        if fault.fails(false) { Err(dependency.down()) } else { outcome }
    }

    /// A read-only step.
    async fn query<T>(
        &self,
        dependency: Dependency,
        read: impl FnOnce(&State) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.yield_turn().await;
        let fault = self.0.plan.borrow_mut().begin_query(dependency);
        if fault.crash.is_some() {
            self.crash().await;
        }
        if fault.fail.is_some() { Err(dependency.down()) } else { read(&self.0.state.borrow()) }
    }

    /// Reads the state for a test, without a step and without faults.
    fn inspect<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.0.state.borrow())
    }

    /// Changes what only a process remembers, which no invariant refers to.
    fn arrange_memory(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.borrow_mut());
    }

    fn arrange<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.0.changes.update(|changes| changes + 1);
        change(&mut self.0.state.borrow_mut())
    }

    /// Yields to the other processes if operations are interleaved. A crashed process never continues.
    async fn yield_turn(&self) {
        if self.0.crashed.get() {
            pending::<()>().await;
        }
        if self.0.plan.borrow().interleaved {
            let mut waited = false;
            poll_fn(|context| {
                if std::mem::replace(&mut waited, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }

    async fn crash(&self) {
        self.0.crashed.set(true);
        pending::<()>().await;
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").field("operations", &self.0.plan.borrow().operations.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
