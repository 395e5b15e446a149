//! The invocations that run concurrently: what each is for, when it is cut, and what its clock shows.

use edge::Clock;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::Timestamp;
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    time::Duration,
};

/// One invocation.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// The context whose database it uses; `None` for those that use several.
    pub context: Option<catalog::Context>,
    /// How long it may take.
    pub timeout: Duration,
    /// How far its clock is ahead of that of the world.
    pub ahead: Duration,
}

/// The invocations of one step, and the one that is running.
#[derive(Debug)]
pub struct Processes {
    clock: Clock,
    all: RefCell<Vec<Process>>,
    running: Cell<usize>,
    started: Cell<Timestamp>,
}

impl Processes {
    pub fn new(clock: &Clock) -> Rc<Self> {
        let (all, running, started) = (RefCell::default(), Cell::new(0), Cell::new(clock.now()));
        Rc::new(Self { clock: clock.clone(), all, running, started })
    }

    /// Begins a step with these invocations.
    pub fn begin(&self, all: Vec<Process>) {
        self.started.set(self.clock.now());
        self.all.replace(all);
    }

    /// The invocation that is running.
    pub fn running(&self) -> Option<Process> {
        self.all.borrow().get(self.running.get()).copied()
    }

    /// Lets time pass during an operation of the running invocation. Returns whether that ends the invocation.
    pub fn wait(&self, time: Duration) -> bool {
        self.clock.advance(time);
        self.running().is_some_and(|process| {
            let taken = self.clock.now().duration_since(self.started.get() + process.ahead);
            Duration::try_from(taken).is_ok_and(|taken| taken >= process.timeout)
        })
    }

    /// Runs `work` as the invocation in `slot`, by its clock.
    pub fn run<'a, T: 'a>(self: &Rc<Self>, slot: usize, mut work: LocalBoxFuture<'a, T>) -> LocalBoxFuture<'a, T> {
        let processes = Rc::clone(self);
        poll_fn(move |context| {
            processes.running.set(slot);
            let ahead = processes.running().map_or(Duration::ZERO, |process| process.ahead);
            processes.clock.advance(ahead);
            let polled = work.as_mut().poll(context);
            processes.clock.set_back(ahead);
            polled
        })
        .boxed_local()
    }
}
