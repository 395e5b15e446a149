//! A proxy between the stores and the server. It counts statements as durable operations and cuts connections where a fault says so:
//! before a statement is sent, while it runs, after it ran and before it commits, or after its response.
//!
//! The stores are the real ones over real connections; to them a cut is a network failure.

use super::pg_protocol::{Reply, Request, Stream, log_in, startup};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, HashMap},
    io,
    rc::Rc,
    task::Waker,
};
use testkit::{Dependency, FaultPoint, Platform};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::spawn_local,
};

/// Counts of statements by how they were cut.
#[derive(Debug, Default, Clone, Copy)]
pub struct CutCounts {
    pub statements: usize,
    /// Cut before they were sent.
    pub before: usize,
    /// Cut after the response.
    pub after: usize,
    /// Cut while they ran.
    pub in_flight: usize,
    /// Of those, completed by the server.
    pub completed: usize,
    /// Executed and not committed.
    pub uncommitted: usize,
}

/// A process: whether it was killed, and the waker to notify.
#[derive(Debug, Default)]
pub struct ProcessState {
    killed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// The number of processes before it. Their connections are closing.
    generation: Cell<usize>,
}

impl ProcessState {
    fn kill(&self) {
        self.killed.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Whether it was killed since the last call. If not, `waker` is woken when it is.
    pub fn was_killed(&self, waker: &Waker) -> bool {
        *self.waker.borrow_mut() = Some(waker.clone());
        self.killed.replace(false)
    }

    pub fn generation(&self) -> usize {
        self.generation.get()
    }

    /// Starts the next process.
    pub fn renew(&self) {
        self.generation.set(self.generation.get() + 1);
        self.killed.set(false);
    }
}

/// A connection to the server, and the server's messages after login.
type Session = (Stream, Vec<u8>);

#[derive(Debug)]
pub struct FaultProxy {
    server: (String, u16),
    platform: RefCell<Platform>,
    /// Idle connections by startup message, since a login costs more than a schedule.
    resting: RefCell<HashMap<Vec<u8>, Vec<Session>>>,
    /// Open connections: slot, generation and number.
    open: RefCell<BTreeSet<(usize, usize, u64)>>,
    next: Cell<u64>,
    /// Statements that still run although their connection was cut.
    stragglers: Cell<usize>,
    changed: Notify,
    pub cut_counts: Cell<CutCounts>,
}

impl FaultProxy {
    pub fn new(server: (String, u16)) -> Rc<Self> {
        Rc::new(Self {
            server,
            platform: RefCell::new(Platform::new()),
            resting: RefCell::default(),
            open: RefCell::default(),
            next: Cell::new(0),
            stragglers: Cell::new(0),
            changed: Notify::new(),
            cut_counts: Cell::default(),
        })
    }

    /// Applies the faults of `platform` from now on.
    pub fn obey(&self, platform: &Platform) {
        *self.platform.borrow_mut() = platform.clone();
    }

    /// Serves the process in `slot`. Returns its port.
    pub async fn serve(self: &Rc<Self>, slot: usize, state: &Rc<ProcessState>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (cutter, state) = (Rc::clone(self), Rc::clone(state));
        spawn_local(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (cutter, state) = (Rc::clone(&cutter), Rc::clone(&state));
                spawn_local(async move {
                    let place = (slot, state.generation.get(), cutter.next.replace(cutter.next.get() + 1));
                    cutter.open.borrow_mut().insert(place);
                    // An error here closes the connection, which is what the client sees.
                    drop(cutter.connect(Stream::new(client), &state).await);
                    cutter.open.borrow_mut().remove(&place);
                    cutter.changed.notify_waiters();
                });
            }
        });
        port
    }

    /// Waits until cut statements have ended and connections of killed processes are closed.
    pub async fn quiet(&self, generations: &[usize]) {
        loop {
            let changed = self.changed.notified();
            let leaves = |(slot, generation, _): &(usize, usize, u64)| *generation < generations[*slot];
            if self.stragglers.get() == 0 && !self.open.borrow().iter().any(leaves) {
                return;
            }
            changed.await;
        }
    }

    async fn connect(self: &Rc<Self>, mut client: Stream, state: &Rc<ProcessState>) -> io::Result<()> {
        if self.platform.borrow().faults().is_down(Dependency::Database) {
            return Ok(());
        }
        client.get_ref().set_nodelay(true)?;
        let who = startup(&mut client).await?;
        let rested = self.resting.borrow_mut().get_mut(&who).and_then(Vec::pop);
        let (server, welcome) = match rested {
            Some((server, welcome)) => {
                client.write_all(&welcome).await?;
                (server, welcome)
            }
            None => {
                let server = TcpStream::connect((self.server.0.as_str(), self.server.1)).await?;
                server.set_nodelay(true)?;
                let mut server = Stream::new(server);
                let welcome = log_in(&mut client, &mut server, &who).await?;
                (server, welcome)
            }
        };
        if let Some(server) = self.converse(client, server, state).await? {
            self.resting.borrow_mut().entry(who).or_default().push((server, welcome));
        }
        Ok(())
    }

    /// Forwards statements and responses until the client disconnects or the connection is cut. Returns the server's side if it can be
    /// reused.
    async fn converse(
        self: &Rc<Self>,
        mut client: Stream,
        mut server: Stream,
        state: &Rc<ProcessState>,
    ) -> io::Result<Option<Stream>> {
        let mut is_idle = true;
        loop {
            let request = match Request::read(&mut client).await {
                Ok(request) if request.sql.is_some() => request,
                // The client disconnects.
                _ if is_idle => return Ok(Some(server)),
                _ => {
                    self.close(server).await;
                    return Ok(None);
                }
            };
            let verdict = self.platform.borrow().faults().begin(Dependency::Database, name(request.sql.as_deref()));
            let kills = verdict.crash.is_some();
            self.count(|cut_counts| cut_counts.statements += 1);
            let point = verdict.crash.or(verdict.fail);
            match point {
                None => {
                    request.send(&mut server).await?;
                    let reply = Reply::read(&mut server).await?;
                    is_idle = reply.is_idle;
                    client.write_all(&reply.bytes).await?;
                    continue;
                }
                Some(FaultPoint::Before) => self.count(|cut_counts| cut_counts.before += 1),
                Some(FaultPoint::After) => {
                    request.send(&mut server).await?;
                    is_idle = Reply::read(&mut server).await?.is_idle;
                    self.count(|cut_counts| cut_counts.after += 1);
                }
                Some(FaultPoint::InFlight) => {
                    request.send(&mut server).await?;
                    return self.cut_in_flight(client, server, kills, state).await;
                }
                Some(FaultPoint::Uncommitted) => {
                    let is_half = request.send_half(&mut server).await?;
                    self.count(|cut_counts| {
                        *if is_half { &mut cut_counts.uncommitted } else { &mut cut_counts.before } += 1
                    });
                    is_idle = false;
                }
            }
            let running_guard = self.running_guard();
            cut(client, kills, state);
            if is_idle {
                return Ok(Some(server));
            }
            self.close(server).await;
            drop(running_guard);
            return Ok(None);
        }
    }

    /// Cuts the connection while the server executes a statement. Returns the server's side if it can be reused.
    async fn cut_in_flight(
        &self,
        client: Stream,
        mut server: Stream,
        kills: bool,
        state: &ProcessState,
    ) -> io::Result<Option<Stream>> {
        self.count(|cut_counts| cut_counts.in_flight += 1);
        let _running = self.running_guard();
        cut(client, kills, state);
        let reply = Reply::read(&mut server).await?;
        self.count(|cut_counts| cut_counts.completed += usize::from(!reply.failed));
        Ok(reply.is_idle.then_some(server))
    }

    /// Closes the connection to the server, and waits until the server has rolled back.
    async fn close(&self, mut server: Stream) {
        let mut rest = vec![];
        // The server may have closed it first.
        drop(server.shutdown().await);
        drop(server.read_to_end(&mut rest).await);
    }

    /// Counts a statement as running until the guard is dropped.
    fn running_guard(&self) -> impl Sized + use<'_> {
        struct RunningGuard<'a>(&'a FaultProxy);
        impl Drop for RunningGuard<'_> {
            fn drop(&mut self) {
                self.0.stragglers.set(self.0.stragglers.get() - 1);
                self.0.changed.notify_waiters();
            }
        }
        self.stragglers.set(self.stragglers.get() + 1);
        RunningGuard(self)
    }

    fn count(&self, change: impl FnOnce(&mut CutCounts)) {
        let mut cut_counts = self.cut_counts.get();
        change(&mut cut_counts);
        self.cut_counts.set(cut_counts);
    }
}

/// Kills the client's process, or closes its connection.
fn cut(client: Stream, kills: bool, state: &ProcessState) {
    if kills {
        state.kill();
    }
    drop(client);
}

/// The name of a statement in the list of operations: its beginning. The few names are leaked to make them static.
fn name(sql: Option<&str>) -> &'static str {
    thread_local! {
        static NAMES: RefCell<BTreeSet<&'static str>> = RefCell::default();
    }
    const LENGTH: usize = 60;
    let words: Vec<&str> = sql.unwrap_or_default().split_whitespace().collect();
    let name: String = words.join(" ").chars().take(LENGTH).collect();
    NAMES.with_borrow_mut(|names| match names.get(name.as_str()) {
        Some(name) => name,
        None => {
            let name: &'static str = name.leak();
            names.insert(name);
            name
        }
    })
}
