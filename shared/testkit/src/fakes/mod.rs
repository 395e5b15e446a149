//! The platform in memory: every store's state, the bus, and one handle for each port.
//!
//! Each operation of a port is a *step*: it asks the faults what shall go wrong, then does its effect in one piece. What commits
//! state and events together is one step; sending the events to the bus, and noting that they were sent, are steps after it.

mod backbone;
mod catalogue;
mod faults;
mod gateway;
mod identity;
mod invoices;
mod keys;
mod messengers;
mod notifications;
mod orders;
mod outbox;
mod payments;
mod snapshot;
mod stock;
mod tokens;

pub use backbone::Probe;
pub use faults::{Dependency, FaultPoint, InjectedFault, Occurrence, Operation};
pub use gateway::{Charge, GatewayRefund, WebhookVerifier};
pub use identity::Session;
pub use invoices::InvoiceRenderer;
pub use messengers::MessageTemplates;
pub use snapshot::Snapshot;

use backbone::{DeadLettersState, LogState, MigrationsState, StreamState, WindowsState};
use catalogue::{CacheState, ProductsState};
use faults::Plan;
use gateway::GatewayState;
use identity::UsersState;
use invoices::{InvoicesState, ObjectsState};
use kernel::Failure;
use kernel::circuit_breaker::Circuit;
use messengers::{MailState, PushState, TextState};
use notifications::ContactsState;
use orders::OrdersState;
use outbox::{BusState, OutboxState};
use payments::PaymentsState;
use ports::Claim;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use stock::StockState;
use tokens::KeyRing;

/// All parts of the platform, in memory. Clones share them.
#[derive(Clone, Default)]
pub struct Platform(Rc<Inner>);

#[derive(Default)]
struct Inner {
    state: RefCell<State>,
    plan: RefCell<Plan>,
    /// Steps of the parts that a checker looks at, and arrangements.
    changes: Cell<u64>,
    dead: Cell<bool>,
}

#[derive(Default)]
struct State {
    claims: HashSet<Claim>,
    outbox: OutboxState,
    bus: BusState,
    orders: OrdersState,
    stock: StockState,
    products: ProductsState,
    cache: CacheState,
    users: UsersState,
    keys: KeyRing,
    payments: PaymentsState,
    gateway: GatewayState,
    breaker: Circuit,
    contacts: ContactsState,
    mail: MailState,
    texts: TextState,
    push: PushState,
    invoices: InvoicesState,
    documents: ObjectsState,
    windows: WindowsState,
    archive: ObjectsState,
    dead_letters: DeadLettersState,
    log: LogState,
    stream: StreamState,
    migrations: MigrationsState,
    /// Counts salts and refresh tokens.
    secrets: u64,
}

impl State {
    /// Makes a claim; `false` when it was made before. No step may fail after this.
    fn claim(&mut self, claim: Claim) -> bool {
        self.claims.insert(claim)
    }
}

/// The process died at a crash point: nothing that it was about to do has happened.
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
    /// Orders.
    orders Orders;
    /// Stock accounts.
    stock Stock;
    /// Products.
    products Products;
    /// ProductSnapshots of the products that are there.
    product_snapshots ProductSnapshots;
    /// A cache.
    cache Cache;
    /// Accounts.
    users Users;
    /// Passwords: hashed fast, and worth nothing outside of tests.
    passwords Passwords;
    /// Access tokens: JWTs whose signature anybody can make.
    tokens Tokens;
    /// Payments.
    payments Payments;
    /// The ledger.
    ledger Ledger;
    /// A payment gateway that remembers its keys.
    gateway Gateway;
    /// A circuit breaker before the gateway.
    circuit_breaker CircuitBreaker;
    /// Contacts.
    contacts Contacts;
    /// Mail that goes nowhere.
    email_sender EmailSender;
    /// Text messages that go nowhere.
    sms_sender SmsSender;
    /// Notices that no device shows, and the push service's list of devices.
    push_sender PushSender;
    /// Invoices.
    invoices Invoices;
    /// Documents that are written once.
    documents Documents;
    /// Windows of analytics.
    windows Windows;
    /// The archive.
    archive Archive;
    /// The log of events.
    event_log EventLog;
    /// The stream of facts.
    analytics_stream AnalyticsStream;
    /// The bus.
    bus Bus;
    /// What waits to be sent.
    outbox Outbox;
    /// The database's schema.
    migrations Migrations;
    /// Where records go that nobody can handle.
    dead_letters DeadLetters;
    /// What goes wrong, and when.
    faults Faults;
}

impl Platform {
    /// A platform with nothing on it.
    pub fn new() -> Self {
        Self::default()
    }

    /// A probe of one part: up unless the faults say otherwise.
    pub fn probe(&self, part: Dependency) -> Probe {
        Probe { platform: self.clone(), part }
    }

    /// What the gateway tells by itself: JSON, with [`WebhookVerifier::VALID_SIGNATURE`] as its signature.
    pub fn webhook_verifier(&self) -> WebhookVerifier {
        WebhookVerifier
    }

    /// MessageTemplates without a template.
    pub fn message_templates(&self) -> MessageTemplates {
        MessageTemplates
    }

    /// Invoices as plain bytes.
    pub fn invoice_renderer(&self) -> InvoiceRenderer {
        InvoiceRenderer
    }

    /// Every durable operation so far, in order.
    pub fn operations(&self) -> Vec<Operation> {
        self.0.plan.borrow().operations.clone()
    }

    /// How many durable operations there were so far.
    pub fn operation_count(&self) -> usize {
        self.0.plan.borrow().operations.len()
    }

    /// How often the database, the gateway or the dead letters may have changed so far: where it is as it was, so are they.
    pub fn change_count(&self) -> u64 {
        self.0.changes.get()
    }

    /// Runs `work` as a process of its own, which dies at the crash points that the faults name: then everything that it held
    /// in memory is gone, and nobody hears its answer.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Crashed> {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.0.dead.set(false);
            let polled = work.as_mut().poll(context);
            if self.0.dead.replace(false) { Poll::Ready(Err(Crashed)) } else { polled.map(Ok) }
        })
        .await
    }

    /// A step that changes what is kept: a crash point before it and one after it.
    async fn step<T>(
        &self,
        part: Dependency,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.turn().await;
        let verdict = self.0.plan.borrow_mut().durable(part, name);
        if verdict.crashes(true) {
            self.die().await;
        }
        if verdict.fails(true) {
            return Err(part.down());
        }
        if matches!(part, Dependency::Database | Dependency::Gateway | Dependency::DeadLetters) {
            self.0.changes.update(|changes| changes + 1);
        }
        let outcome = effect(&mut self.0.state.borrow_mut());
        if verdict.crashes(false) {
            self.die().await;
        }
        if verdict.fails(false) { Err(part.down()) } else { outcome }
    }

    /// A step that only looks.
    async fn look<T>(&self, part: Dependency, see: impl FnOnce(&State) -> Result<T, Failure>) -> Result<T, Failure> {
        self.turn().await;
        match self.0.plan.borrow_mut().failing(part) {
            Some(_) => Err(part.down()),
            None => see(&self.0.state.borrow()),
        }
    }

    /// What a test sees of the state: no step, no faults.
    fn see<T>(&self, see: impl FnOnce(&State) -> T) -> T {
        see(&self.0.state.borrow())
    }

    fn arrange<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.0.changes.update(|changes| changes + 1);
        change(&mut self.0.state.borrow_mut())
    }

    /// Lets the others have their turn, where the faults ask for that. A dead process never gets past here.
    async fn turn(&self) {
        if self.0.dead.get() {
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

    async fn die(&self) {
        self.0.dead.set(true);
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
