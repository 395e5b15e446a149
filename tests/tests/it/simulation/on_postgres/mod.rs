//! The stores of a simulation on PostgreSQL: the real adapters, with connections of each process through a proxy that cuts them.

mod fault_proxy;
mod pg_protocol;
mod snapshot;
mod tests;

use super::{
    backend::{Backend, FinalState, Stores},
    choices::Choices,
};
use adapters_postgres::{
    Database, NoEvents, PgContacts, PgEvents, PgHandledEvents, PgInvoices, PgLedger, PgOrders, PgOutbox, PgPayments,
    PgProductIndex, PgStock, PgUsers, PgWindows,
};
use adapters_testkit::postgres::{TestDatabase, database_url, fresh_database};
use catalog::{Context, Function};
use domain::{
    Event,
    id::{OrderId, ProductId},
};
use fault_proxy::{CutCounts, FaultProxy, ProcessState};
use futures_util::future::{LocalBoxFuture, join_all};
use kernel::Timestamp;
use ports::{
    AccountStore, ContactStore, CreditNoteStore, DeviceStore, EventOutbox, HandledEvents, InvoiceStore, LowStockAlerts,
    NotificationRequests, OrderErasure, OrderStore, Outbox, PasswordStore, PaymentStore, PriceCopy, ProductIndex,
    Retention, SavedMethodStore, StockStore, UserStore, VerificationStore, WindowStore,
};
use snapshot::Tables;
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    rc::Rc,
    sync::Arc,
    task::Poll,
};
use testkit::{Platform, Snapshot, build};
use tokio::{runtime::Runtime, task::LocalSet};
use tokio_postgres::Client;

/// Processes that run concurrently.
const SLOTS: usize = 3;
/// Schedules after which the tables are truncated: dead rows slow down scans.
const TRUNCATE_EVERY: usize = 50;

/// A database that schedules use one after another.
pub struct Server {
    // Fields drop in this order: connections before what they connect to.
    slots: Vec<ProcessSlot>,
    client: Client,
    look: Arc<Database>,
    look_payments: Arc<Database>,
    /// To read [`FinalState`]: analytics, inventory and invoices.
    look_final_state: [Arc<Database>; 3],
    cutter: Rc<FaultProxy>,
    tables: Tables,
    schedules: Cell<usize>,
    local: LocalSet,
    runtime: Runtime,
    database: TestDatabase,
}

/// A slot that processes use one after another.
struct ProcessSlot {
    port: u16,
    state: Rc<ProcessState>,
    databases: RefCell<Rc<Databases>>,
}

/// The connections of one process, one per context.
#[derive(Debug)]
struct Databases(Vec<(Context, Arc<Database>)>);

impl Databases {
    fn new(database: &TestDatabase, port: u16) -> Rc<Self> {
        let each = catalog::CONTEXTS.iter().map(|context| (*context, database.through_proxy(*context, port)));
        Rc::new(Self(each.collect()))
    }

    fn of(&self, context: Context) -> Arc<Database> {
        let (_, database) = self.0.iter().find(|(one, _)| *one == context).expect("a context");
        Arc::clone(database)
    }
}

impl Server {
    /// A fresh database on the server at `DATABASE_URL`. Panics without one.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let local = LocalSet::new();
        let (database, client, tables, cutter, slots) = runtime.block_on(local.run_until(async {
            let database = fresh_database(&database_url()).await;
            // Durability does not matter here.
            database.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$").await;
            let client = database.connect().await;
            // Disables foreign keys, so that tables can be emptied in any order.
            client.batch_execute("SET session_replication_role = replica").await.expect("a superuser");
            let tables = Tables::find(&client).await;
            let cutter = FaultProxy::new(database.server());
            let mut slots = vec![];
            for slot in 0..SLOTS {
                let state = Rc::new(ProcessState::default());
                let port = cutter.serve(slot, &state).await;
                let databases = RefCell::new(Databases::new(&database, port));
                slots.push(ProcessSlot { port, state, databases });
            }
            (database, client, tables, cutter, slots)
        }));
        let (look, look_payments) = (database.as_context(Context::Orders), database.as_context(Context::Payments));
        let look_final_state =
            [Context::Analytics, Context::Inventory, Context::Invoices].map(|context| database.as_context(context));
        let schedules = Cell::new(0);
        Self {
            slots,
            client,
            look,
            look_payments,
            look_final_state,
            cutter,
            tables,
            schedules,
            local,
            runtime,
            database,
        }
    }

    /// Empties the database for the next schedule.
    pub fn schedule(&self) -> Schedule<'_> {
        let platform = Platform::new();
        let number = self.schedules.replace(self.schedules.get() + 1);
        (0..SLOTS).for_each(|slot| self.renew(slot));
        self.run(async {
            self.quiet().await;
            self.tables.empty(&self.client, number % TRUNCATE_EVERY == TRUNCATE_EVERY - 1).await;
        });
        self.cutter.obey(&platform);
        Schedule { server: self, platform, looked_at: Cell::default(), waiting: Cell::default() }
    }

    pub fn cut_counts(&self) -> CutCounts {
        self.cutter.cut_counts.get()
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(self.local.run_until(work))
    }

    /// Replaces the process in `slot` and its connections.
    fn renew(&self, slot: usize) {
        let slot = &self.slots[slot];
        slot.state.renew();
        *slot.databases.borrow_mut() = Databases::new(&self.database, slot.port);
    }

    async fn quiet(&self) {
        let generations: Vec<usize> = self.slots.iter().map(|slot| slot.state.generation()).collect();
        self.cutter.quiet(&generations).await;
    }
}

/// When schedules start: noon, but not in the future. Responses and claims age by the clock of the database, and a sweep would
/// otherwise consider them too old.
pub fn beginning() -> Timestamp {
    const DAY: i64 = 24 * 3600;
    let today = Timestamp::now().as_second() / DAY * DAY;
    Timestamp::from_second(today).expect("within the calendar").min(build::noon())
}

/// One schedule over a database.
pub struct Schedule<'a> {
    server: &'a Server,
    platform: Platform,
    /// The number of statements at the last read of the stores, and of the outboxes with their number of events. Nothing else writes
    /// here, so that no new statement means no change.
    looked_at: Cell<Option<usize>>,
    waiting: Cell<Option<(usize, usize)>>,
}

impl Schedule<'_> {
    /// Runs `work` as the process in `slot`. Returns `None` if the process dies.
    async fn live<T>(&self, slot: usize, work: LocalBoxFuture<'_, T>) -> Option<T> {
        let outcome = {
            let state = &self.server.slots[slot].state;
            let mut work = Box::pin(self.platform.run(work));
            poll_fn(|context| {
                if state.was_killed(context.waker()) {
                    return Poll::Ready(None);
                }
                work.as_mut().poll(context).map(Result::ok)
            })
            .await
        };
        if outcome.is_none() {
            self.server.renew(slot);
        }
        outcome
    }
}

impl Backend for Schedule<'_> {
    type Process = Process;

    fn platform(&self) -> &Platform {
        &self.platform
    }

    fn process(&self, slot: usize) -> Process {
        let databases = Rc::clone(&self.server.slots[slot].databases.borrow());
        Process { databases, bus: self.platform.bus() }
    }

    /// Processes that interleave run concurrently, in an order that the server decides. Otherwise they run one after another, so that
    /// the same seed gives the same run.
    fn work<'a, T: 'a>(&'a self, work: Vec<LocalBoxFuture<'a, T>>, _: &Choices) -> Vec<Option<T>> {
        let processes = work.into_iter().enumerate().map(|(slot, work)| self.live(slot, work));
        self.server.run(async {
            if self.platform.faults().is_interleaved() {
                return join_all(processes).await;
            }
            let mut outcomes = vec![];
            for state in processes {
                outcomes.push(state.await);
                self.server.quiet().await;
            }
            outcomes
        })
    }

    fn see(&self, seen: &mut Snapshot) -> bool {
        let orders = PgOrders::new(Arc::clone(&self.server.look), NoEvents);
        let payments = PgPayments::new(Arc::clone(&self.server.look_payments), NoEvents);
        let ledger = PgLedger::new(Arc::clone(&self.server.look_payments), NoEvents);
        let statements = self.server.cut_counts().statements;
        // The gateway may have changed without a statement.
        if self.looked_at.replace(Some(statements)) == Some(statements) {
            return true;
        }
        *seen = self.server.run(async {
            self.server.quiet().await;
            snapshot::read(&self.server.client, &orders, &payments, &ledger).await
        });
        true
    }

    fn steps_between_looks(&self) -> usize {
        8
    }

    fn can_be_seeded(&self) -> bool {
        false
    }

    fn committed(&self) -> Vec<Rc<Event>> {
        self.server.run(self.server.tables.committed(&self.server.client))
    }

    fn waiting(&self) -> usize {
        let statements = self.server.cut_counts().statements;
        if let Some((_, waiting)) = self.waiting.get().filter(|(at, _)| *at == statements) {
            return waiting;
        }
        let waiting = self.server.run(async {
            self.server.quiet().await;
            self.server.tables.waiting(&self.server.client).await
        });
        self.waiting.set(Some((statements, waiting)));
        waiting
    }

    fn commits_in_order(&self) -> bool {
        false
    }

    fn final_state(&self, orders: &[OrderId], products: &[ProductId]) -> FinalState {
        let [windows, stock, notes] = self.server.look_final_state.each_ref().map(Arc::clone);
        let (windows, stock) = (PgWindows::new(windows), PgStock::new(stock, NoEvents));
        let notes = PgInvoices::new(notes, NoEvents);
        self.server.run(async {
            self.server.quiet().await;
            FinalState::read((&windows, &stock, &notes), orders, products).await
        })
    }
}

/// The stores of one process.
pub struct Process {
    databases: Rc<Databases>,
    bus: testkit::Bus,
}

impl Process {
    fn store<T>(&self, context: Context, store: impl FnOnce(Arc<Database>, testkit::Bus) -> T) -> T {
        store(self.databases.of(context), self.bus.clone())
    }
}

impl Stores for Process {
    fn orders(&self) -> impl OrderStore + PriceCopy + OrderErasure {
        self.store(Context::Orders, PgOrders::new)
    }

    fn stock(&self) -> impl StockStore + LowStockAlerts {
        self.store(Context::Inventory, PgStock::new)
    }

    fn payments(&self) -> impl PaymentStore + SavedMethodStore {
        self.store(Context::Payments, PgPayments::new)
    }

    fn users(&self) -> impl UserStore + VerificationStore + PasswordStore + AccountStore {
        self.store(Context::Identity, PgUsers::new)
    }

    fn contacts(&self) -> impl ContactStore + DeviceStore + NotificationRequests {
        self.store(Context::Notifications, PgContacts::new)
    }

    fn product_index(&self) -> impl ProductIndex {
        self.store(Context::Catalogue, |database, _| PgProductIndex::new(database))
    }

    fn invoices(&self) -> impl InvoiceStore + CreditNoteStore {
        self.store(Context::Invoices, PgInvoices::new)
    }

    fn windows(&self) -> impl WindowStore {
        self.store(Context::Analytics, |database, _| PgWindows::new(database))
    }

    fn outbox(&self) -> impl Outbox + Retention {
        self.store(Context::Operations, PgOutbox::new)
    }

    fn events(&self) -> impl EventOutbox {
        self.store(Context::Catalogue, |database, bus| PgEvents::new(Context::Catalogue, database, bus))
    }

    fn handled_events(&self, consumer: &'static Function) -> impl HandledEvents {
        self.store(consumer.context, |database, _| PgHandledEvents::new(database))
    }
}
