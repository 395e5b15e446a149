//! Stands between the stores and the server, counts their statements among the platform's operations, and cuts where the faults
//! say so: before a statement is sent, after it was answered, while it runs, or after it ran and before it is committed.
//!
//! The stores notice nothing but what they would notice of a network: they are the real ones, over real connections.

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

/// What cut statements came to.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Statements.
    pub statements: usize,
    /// Cut before they were sent.
    pub before: usize,
    /// Cut after they were answered.
    pub after: usize,
    /// Left alone while they ran.
    pub sent: usize,
    /// Of those, done all the same.
    pub done: usize,
    /// Run and never committed.
    pub half: usize,
}

/// One process: whether it was killed, and who has to hear of it.
#[derive(Debug, Default)]
pub struct Life {
    killed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// How many processes came before it. Connections of those are closing.
    generation: Cell<usize>,
}

impl Life {
    fn kill(&self) {
        self.killed.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Whether it was killed since it was last asked. If not, `waker` hears of it.
    pub fn was_killed(&self, waker: &Waker) -> bool {
        *self.waker.borrow_mut() = Some(waker.clone());
        self.killed.replace(false)
    }

    /// How many processes came before it.
    pub fn generation(&self) -> usize {
        self.generation.get()
    }

    /// Another process follows.
    pub fn renew(&self) {
        self.generation.set(self.generation.get() + 1);
        self.killed.set(false);
    }
}

/// A connection to the server, and what the server said when it began.
type Session = (Stream, Vec<u8>);

/// What stands between.
#[derive(Debug)]
pub struct FaultProxy {
    server: (String, u16),
    platform: RefCell<Platform>,
    /// Connections that nobody uses, by how their client introduced itself: logging in costs more than a schedule.
    resting: RefCell<HashMap<Vec<u8>, Vec<Session>>>,
    /// Which connections are open: of which process, of which generation, and a number.
    open: RefCell<BTreeSet<(usize, usize, u64)>>,
    next: Cell<u64>,
    /// Statements that run although nobody waits for them.
    stragglers: Cell<usize>,
    changed: Notify,
    pub tally: Cell<Tally>,
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
            tally: Cell::default(),
        })
    }

    /// From now on the faults of `platform` count.
    pub fn obey(&self, platform: &Platform) {
        *self.platform.borrow_mut() = platform.clone();
    }

    /// Serves the process in `slot`; answers the port for it.
    pub async fn serve(self: &Rc<Self>, slot: usize, life: &Rc<Life>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (cutter, life) = (Rc::clone(self), Rc::clone(life));
        spawn_local(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (cutter, life) = (Rc::clone(&cutter), Rc::clone(&life));
                spawn_local(async move {
                    let place = (slot, life.generation.get(), cutter.next.replace(cutter.next.get() + 1));
                    cutter.open.borrow_mut().insert(place);
                    // Whatever breaks here breaks the connection, and that is what the client hears.
                    drop(cutter.connect(Stream::new(client), &life).await);
                    cutter.open.borrow_mut().remove(&place);
                    cutter.changed.notify_waiters();
                });
            }
        });
        port
    }

    /// Waits until nothing runs that nobody waits for, and what dead processes left is closed.
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

    async fn connect(self: &Rc<Self>, mut client: Stream, life: &Rc<Life>) -> io::Result<()> {
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
        if let Some(server) = self.converse(client, server, life).await? {
            self.resting.borrow_mut().entry(who).or_default().push((server, welcome));
        }
        Ok(())
    }

    /// Hands statements and answers over until the client leaves or the connection is cut; the server's side, if it can be used
    /// again.
    async fn converse(
        self: &Rc<Self>,
        mut client: Stream,
        mut server: Stream,
        life: &Rc<Life>,
    ) -> io::Result<Option<Stream>> {
        let mut is_idle = true;
        loop {
            let request = match Request::read(&mut client).await {
                Ok(request) if request.sql.is_some() => request,
                // It takes its leave, or is gone.
                _ if is_idle => return Ok(Some(server)),
                _ => {
                    self.close(server).await;
                    return Ok(None);
                }
            };
            let verdict = self.platform.borrow().faults().begin(Dependency::Database, name(request.sql.as_deref()));
            let kills = verdict.crash.is_some();
            self.count(|tally| tally.statements += 1);
            let moment = verdict.crash.or(verdict.fail);
            match moment {
                None => {
                    request.send(&mut server).await?;
                    let reply = Reply::read(&mut server).await?;
                    is_idle = reply.is_idle;
                    client.write_all(&reply.bytes).await?;
                    continue;
                }
                Some(FaultPoint::Before) => self.count(|tally| tally.before += 1),
                Some(FaultPoint::After) => {
                    request.send(&mut server).await?;
                    is_idle = Reply::read(&mut server).await?.is_idle;
                    self.count(|tally| tally.after += 1);
                }
                Some(FaultPoint::InFlight) => {
                    request.send(&mut server).await?;
                    self.count(|tally| tally.sent += 1);
                    let straggler = self.straggler();
                    cut(client, kills, life);
                    let reply = Reply::read(&mut server).await?;
                    self.count(|tally| tally.done += usize::from(!reply.failed));
                    let session = reply.is_idle.then_some(server);
                    drop(straggler);
                    return Ok(session);
                }
                Some(FaultPoint::Uncommitted) => {
                    let is_half = request.send_half(&mut server).await?;
                    self.count(|tally| *if is_half { &mut tally.half } else { &mut tally.before } += 1);
                    let straggler = self.straggler();
                    cut(client, kills, life);
                    self.close(server).await;
                    drop(straggler);
                    return Ok(None);
                }
            }
            let straggler = self.straggler();
            cut(client, kills, life);
            if is_idle {
                return Ok(Some(server));
            }
            self.close(server).await;
            drop(straggler);
            return Ok(None);
        }
    }

    /// Leaves the server, and waits until it has noticed: what was not committed is undone then.
    async fn close(&self, mut server: Stream) {
        let mut rest = vec![];
        // It may have gone by itself; then there is nothing to wait for.
        drop(server.shutdown().await);
        drop(server.read_to_end(&mut rest).await);
    }

    /// Something runs for as long as the answer is kept.
    fn straggler(&self) -> impl Sized + use<'_> {
        struct Straggler<'a>(&'a FaultProxy);
        impl Drop for Straggler<'_> {
            fn drop(&mut self) {
                self.0.stragglers.set(self.0.stragglers.get() - 1);
                self.0.changed.notify_waiters();
            }
        }
        self.stragglers.set(self.stragglers.get() + 1);
        Straggler(self)
    }

    fn count(&self, change: impl FnOnce(&mut Tally)) {
        let mut tally = self.tally.get();
        change(&mut tally);
        self.tally.set(tally);
    }
}

/// The client's process dies, or hears that its connection is broken.
fn cut(client: Stream, kills: bool, life: &Life) {
    if kills {
        life.kill();
    }
    drop(client);
}

/// A statement's name among operations: how it begins. There are few, so each is kept for good.
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
