//! Where the stores of a simulation live, and how its processes run there.

use super::chance::{Chance, together};
use domain::Event;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ports::{
    ContactStore, DeviceStore, InvoiceStore, LowStockAlerts, OrderStore, Outbox, PaymentStore, StockStore, UserStore,
    WindowStore,
};
use std::{cell::Cell, rc::Rc};
use testkit::{Platform, Snapshot};

/// The stores of one process.
pub trait Stores {
    fn orders(&self) -> impl OrderStore;
    fn stock(&self) -> impl StockStore + LowStockAlerts;
    fn payments(&self) -> impl PaymentStore;
    fn users(&self) -> impl UserStore;
    fn contacts(&self) -> impl ContactStore + DeviceStore;
    fn invoices(&self) -> impl InvoiceStore;
    fn windows(&self) -> impl WindowStore;
    fn outbox(&self) -> impl Outbox;
}

/// A place for one schedule.
pub trait Backend {
    type Process: Stores;

    /// Everything that is no store, and the faults.
    fn platform(&self) -> &Platform;

    /// The `slot`th of the processes that run at the same time.
    fn process(&self, slot: usize) -> Self::Process;

    /// Does all of `work`, the first in the first slot; nothing came of what died.
    fn work<'a, T: 'a>(&'a self, work: Vec<LocalBoxFuture<'a, T>>, chance: &Chance) -> Vec<Option<T>>;

    /// Brings what is seen of the stores up to date. `false` where nothing that rules speak of can have changed since the last time.
    fn see(&self, seen: &mut Snapshot) -> bool;

    /// In how many steps it is looked at once.
    fn steps_between_looks(&self) -> usize;

    /// Whether a shop that is open already can be put there.
    fn opens(&self) -> bool;

    /// Every event that was committed.
    fn committed(&self) -> Vec<Rc<Event>>;

    /// How many events wait in an outbox.
    fn waiting(&self) -> usize;
}

/// All in memory.
pub struct Memory {
    platform: Platform,
    /// After how many changes it was last looked at.
    looked_at: Cell<Option<u64>>,
}

impl Memory {
    /// A place of its own for each schedule.
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

    fn work<'a, T: 'a>(&'a self, work: Vec<LocalBoxFuture<'a, T>>, chance: &Chance) -> Vec<Option<T>> {
        let run = |work| async move { self.platform.run(work).await.ok() }.boxed_local();
        together(work.into_iter().map(run).collect(), chance)
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

    fn opens(&self) -> bool {
        true
    }

    fn committed(&self) -> Vec<Rc<Event>> {
        self.platform.outbox().committed()
    }

    fn waiting(&self) -> usize {
        self.platform.outbox().pending_count()
    }
}

impl Stores for Platform {
    fn orders(&self) -> impl OrderStore {
        Platform::orders(self)
    }

    fn stock(&self) -> impl StockStore + LowStockAlerts {
        Platform::stock(self)
    }

    fn payments(&self) -> impl PaymentStore {
        Platform::payments(self)
    }

    fn users(&self) -> impl UserStore {
        Platform::users(self)
    }

    fn contacts(&self) -> impl ContactStore + DeviceStore {
        Platform::contacts(self)
    }

    fn invoices(&self) -> impl InvoiceStore {
        Platform::invoices(self)
    }

    fn windows(&self) -> impl WindowStore {
        Platform::windows(self)
    }

    fn outbox(&self) -> impl Outbox {
        Platform::outbox(self)
    }
}
