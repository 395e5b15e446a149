//! Where the stores of a simulation live, and how its processes run there.

use super::chance::{Chance, together};
use domain::Event;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use ports::{
    ContactBook, DeviceBook, InvoiceStore, OrderStore, Outbox, PaymentStore, StockStore, StockWatch, UserStore,
    WindowStore,
};
use std::rc::Rc;
use testkit::{Platform, Seen};

/// The stores of one process.
pub trait Stores {
    fn orders(&self) -> impl OrderStore;
    fn stock(&self) -> impl StockStore + StockWatch;
    fn payments(&self) -> impl PaymentStore;
    fn users(&self) -> impl UserStore;
    fn contacts(&self) -> impl ContactBook + DeviceBook;
    fn invoices(&self) -> impl InvoiceStore;
    fn windows(&self) -> impl WindowStore;
    fn outbox(&self) -> impl Outbox;
}

/// A place for one schedule.
pub trait Site {
    type Process: Stores;

    /// Everything that is no store, and the faults.
    fn platform(&self) -> &Platform;

    /// The `slot`th of the processes that run at the same time.
    fn process(&self, slot: usize) -> Self::Process;

    /// Does all of `work`, the first in the first slot; nothing came of what died.
    fn work<'a, T: 'a>(&'a self, work: Vec<LocalBoxFuture<'a, T>>, chance: &Chance) -> Vec<Option<T>>;

    /// Brings what is seen of the stores up to date.
    fn see(&self, seen: &mut Seen);

    /// In how many steps it is looked at once.
    fn steps_between_looks(&self) -> usize;

    /// Every event that was committed.
    fn committed(&self) -> Vec<Rc<Event>>;

    /// How many events wait in an outbox.
    fn waiting(&self) -> usize;
}

/// All in memory.
pub struct Memory(Platform);

impl Memory {
    /// A place of its own for each schedule.
    pub fn new() -> Self {
        Self(Platform::new())
    }
}

impl Site for Memory {
    type Process = Platform;

    fn platform(&self) -> &Platform {
        &self.0
    }

    fn process(&self, _: usize) -> Platform {
        self.0.clone()
    }

    fn work<'a, T: 'a>(&'a self, work: Vec<LocalBoxFuture<'a, T>>, chance: &Chance) -> Vec<Option<T>> {
        let run = |work| async move { self.0.run(work).await.ok() }.boxed_local();
        together(work.into_iter().map(run).collect(), chance)
    }

    fn see(&self, seen: &mut Seen) {
        self.0.see_again(seen);
    }

    fn steps_between_looks(&self) -> usize {
        1
    }

    fn committed(&self) -> Vec<Rc<Event>> {
        self.0.outbox().committed()
    }

    fn waiting(&self) -> usize {
        self.0.outbox().waiting_count()
    }
}

impl Stores for Platform {
    fn orders(&self) -> impl OrderStore {
        Platform::orders(self)
    }

    fn stock(&self) -> impl StockStore + StockWatch {
        Platform::stock(self)
    }

    fn payments(&self) -> impl PaymentStore {
        Platform::payments(self)
    }

    fn users(&self) -> impl UserStore {
        Platform::users(self)
    }

    fn contacts(&self) -> impl ContactBook + DeviceBook {
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
