//! The stores of a simulation: in memory, or on PostgreSQL.

use super::choices::{Choices, interleave};
use catalog::Function;
use domain::{
    Event,
    credit_note::CreditNote,
    id::{OrderId, ProductId},
    stock::StockMovement,
    window::Window,
};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::Timestamp;
use ports::{
    AccountStore, ContactStore, CreditNoteStore, DeviceStore, EventOutbox, HandledEvents, InvoiceStore, LowStockAlerts,
    NotificationRequests, OrderErasure, OrderStore, Outbox, PasswordStore, PaymentStore, PriceCopy, ProductIndex,
    Retention, SavedMethodStore, StockMovements, StockStore, UserStore, VerificationStore, WindowStore,
};
use std::{cell::Cell, collections::BTreeMap, rc::Rc};
use testkit::{Platform, Snapshot};

/// The stores of one process.
pub trait Stores {
    fn orders(&self) -> impl OrderStore + PriceCopy + OrderErasure;
    fn stock(&self) -> impl StockStore + LowStockAlerts;
    fn payments(&self) -> impl PaymentStore + SavedMethodStore;
    fn users(&self) -> impl UserStore + VerificationStore + PasswordStore + AccountStore;
    fn contacts(&self) -> impl ContactStore + DeviceStore + NotificationRequests;
    fn product_index(&self) -> impl ProductIndex;
    fn invoices(&self) -> impl InvoiceStore + CreditNoteStore;
    fn windows(&self) -> impl WindowStore;
    fn outbox(&self) -> impl Outbox + Retention;
    /// The outbox of the catalogue.
    fn events(&self) -> impl EventOutbox;
    /// The inbox of the context of a consumer whose handler stores no claims.
    fn handled_events(&self, consumer: &'static Function) -> impl HandledEvents;
}

/// The backend of one schedule.
pub trait Backend {
    type Process: Stores;

    /// The fakes of everything that is not a store, and the faults.
    fn platform(&self) -> &Platform;

    /// The process in slot `slot` of those that run concurrently.
    fn process(&self, slot: usize) -> Self::Process;

    /// Runs all of `work`, each in its own slot. A result is `None` if the process crashed.
    fn work<'a, T: 'a>(&'a self, work: Vec<LocalBoxFuture<'a, T>>, choices: &Choices) -> Vec<Option<T>>;

    /// Reads the stores into `seen`. Returns `false` if nothing that the rules check can have changed.
    fn see(&self, seen: &mut Snapshot) -> bool;

    /// Steps between two reads of the stores.
    fn steps_between_looks(&self) -> usize;

    /// Whether customer and products can be stored before a schedule starts.
    fn can_be_seeded(&self) -> bool;

    fn committed(&self) -> Vec<Rc<Event>>;

    /// The number of events in outboxes.
    fn waiting(&self) -> usize;

    /// Whether [`Self::committed`] is in the order of the commits.
    fn commits_in_order(&self) -> bool;

    /// What rules read only once the world is idle, for these orders.
    fn final_state(&self, orders: &[OrderId], products: &[ProductId]) -> FinalState;
}

/// What only the rules of an idle world read.
#[derive(Debug, Default)]
pub struct FinalState {
    pub windows: Vec<Window>,
    /// The movements of each product, oldest first.
    pub movements: BTreeMap<ProductId, Vec<StockMovement>>,
    pub credit_notes: Vec<CreditNote>,
}

impl FinalState {
    /// More entries than any schedule makes.
    const MANY: u32 = 10_000;

    /// Reads them through the ports.
    pub async fn read(
        (windows, stock, notes): (&impl WindowStore, &impl StockMovements, &impl CreditNoteStore),
        orders: &[OrderId],
        products: &[ProductId],
    ) -> Self {
        let all = windows.list(Timestamp::UNIX_EPOCH, Timestamp::MAX, Self::MANY, None).await;
        let mut state = Self { windows: all.expect("the windows").items, ..Self::default() };
        for product in products {
            let mut moved = stock.movements(*product, Self::MANY, None).await.expect("the movements").items;
            moved.reverse();
            state.movements.insert(*product, moved);
        }
        for order in orders {
            state
                .credit_notes
                .extend(notes.credit_notes(*order, None).await.expect("credit notes").unwrap_or_default());
        }
        state
    }
}

/// All stores in memory.
pub struct Memory {
    platform: Platform,
    /// The number of changes at the last read.
    looked_at: Cell<Option<u64>>,
}

impl Memory {
    pub fn new() -> Self {
        Self { platform: Platform::new(), looked_at: Cell::default() }
    }
}

impl Backend for Memory {
    type Process = Platform;

    fn platform(&self) -> &Platform {
        &self.platform
    }

    fn process(&self, _: usize) -> Platform {
        self.platform.clone()
    }

    fn work<'a, T: 'a>(&'a self, work: Vec<LocalBoxFuture<'a, T>>, choices: &Choices) -> Vec<Option<T>> {
        let run = |work| async move { self.platform.run(work).await.ok() }.boxed_local();
        interleave(work.into_iter().map(run).collect(), choices)
    }

    fn see(&self, seen: &mut Snapshot) -> bool {
        let changes = Some(self.platform.change_count());
        let is_new = self.looked_at.replace(changes) != changes;
        if is_new {
            self.platform.update_snapshot(seen);
        }
        is_new
    }

    fn steps_between_looks(&self) -> usize {
        1
    }

    fn can_be_seeded(&self) -> bool {
        true
    }

    fn committed(&self) -> Vec<Rc<Event>> {
        self.platform.outbox().committed()
    }

    fn waiting(&self) -> usize {
        self.platform.outbox().pending_count()
    }

    fn commits_in_order(&self) -> bool {
        true
    }

    fn final_state(&self, orders: &[OrderId], products: &[ProductId]) -> FinalState {
        let (windows, stock, notes) = (self.platform.windows(), self.platform.stock(), self.platform.invoices());
        interleave(vec![FinalState::read((&windows, &stock, &notes), orders, products).boxed_local()], &Choices::none())
            .pop()
            .expect("one result")
    }
}

impl Stores for Platform {
    fn orders(&self) -> impl OrderStore + PriceCopy + OrderErasure {
        Platform::orders(self)
    }

    fn stock(&self) -> impl StockStore + LowStockAlerts {
        Platform::stock(self)
    }

    fn payments(&self) -> impl PaymentStore + SavedMethodStore {
        Platform::payments(self)
    }

    fn users(&self) -> impl UserStore + VerificationStore + PasswordStore + AccountStore {
        Platform::users(self)
    }

    fn contacts(&self) -> impl ContactStore + DeviceStore + NotificationRequests {
        Platform::contacts(self)
    }

    fn product_index(&self) -> impl ProductIndex {
        Platform::product_index(self)
    }

    fn invoices(&self) -> impl InvoiceStore + CreditNoteStore {
        Platform::invoices(self)
    }

    fn windows(&self) -> impl WindowStore {
        Platform::windows(self)
    }

    fn outbox(&self) -> impl Outbox + Retention {
        Platform::outbox(self)
    }

    fn events(&self) -> impl EventOutbox {
        Platform::events(self)
    }

    fn handled_events(&self, _: &'static Function) -> impl HandledEvents {
        Platform::handled_events(self)
    }
}
