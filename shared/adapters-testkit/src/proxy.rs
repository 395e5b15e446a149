//! A proxy in front of PostgreSQL that counts round trips and can add network latency.

use std::{
    io::{Read, Result, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// The traffic of all connections of a proxy.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    trips: u64,
    last: Option<Instant>,
}

impl Traffic {
    /// The number of round trips so far, without those of logging in.
    ///
    /// A round trip is a wait for the server. It begins when a client requests a response (`Sync`, `Query`, `Flush`) while none is pending:
    /// several statements that are sent without waiting in between are one round trip.
    pub fn round_trips(&self) -> u64 {
        self.state().trips
    }

    /// When the last round trip ended.
    pub fn last(&self) -> Option<Instant> {
        self.state().last
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct CountingProxy {
    /// The local port that it listens on.
    pub port: u16,
    pub traffic: Arc<Traffic>,
}

impl CountingProxy {
    /// Starts a proxy for the server on the local port `server`, with a latency of `each_way` in each direction. It runs until the
    /// process ends.
    pub fn start(server: u16, each_way: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self { port: listener.local_addr()?.port(), traffic: Arc::default() };
        let traffic = Arc::clone(&proxy.traffic);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // The client notices a connection that fails.
                connect(client, server, each_way, &traffic).unwrap_or_default();
            }
        });
        Ok(proxy)
    }
}

fn connect(client: TcpStream, server: u16, each_way: Duration, traffic: &Arc<Traffic>) -> Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let there = Arc::new(ProxiedConnection { traffic: Arc::clone(traffic), waits: Mutex::default() });
    let back = Arc::clone(&there);
    let (mut requests, mut responses) = (Frames::of_client(), Frames::of_server());
    thread::spawn(move || {
        let observe = |bytes: &[u8]| requests.read(bytes, |kind| there.request(kind));
        forward(from_client, to_server, each_way, observe).unwrap_or_default();
    });
    thread::spawn(move || {
        let observe = |bytes: &[u8]| responses.read(bytes, |kind| back.response(kind));
        forward(server, client, each_way, observe).unwrap_or_default();
    });
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the delay simulates a network")]
fn forward(mut from: TcpStream, mut to: TcpStream, each_way: Duration, mut observe: impl FnMut(&[u8])) -> Result<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut bytes)?;
        if length == 0 {
            return to.shutdown(Shutdown::Write);
        }
        if !each_way.is_zero() {
            thread::sleep(each_way);
        }
        // Counted before it is sent, so that a client with a response finds it counted.
        observe(&bytes[..length]);
        to.write_all(&bytes[..length])?;
    }
}

#[derive(Debug)]
struct ProxiedConnection {
    traffic: Arc<Traffic>,
    waits: Mutex<PendingResponses>,
}

/// The pending responses of a connection.
#[derive(Debug, Default)]
struct PendingResponses {
    /// Whether the login has finished.
    is_logged_in: bool,
    /// Pending `ReadyForQuery` messages.
    ready: usize,
}

impl ProxiedConnection {
    fn request(&self, kind: u8) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        // No message marks the end of the response to a `Flush`, so each counts.
        if waits.is_logged_in && matches!(kind, b'S' | b'Q' | b'H') && waits.ready == 0 {
            self.traffic.state().trips += 1;
        }
        waits.ready += usize::from(matches!(kind, b'S' | b'Q'));
    }

    fn response(&self, kind: u8) {
        if kind != b'Z' {
            return;
        }
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.is_logged_in = true;
        waits.ready = waits.ready.saturating_sub(1);
        self.traffic.state().last = Some(Instant::now());
    }
}

/// A parser of the messages of one side: a type byte, a length that includes itself, and a body.
#[derive(Debug)]
struct Frames {
    /// The first message of a client has no type byte.
    has_kind: bool,
    head: Vec<u8>,
    left: usize,
}

impl Frames {
    const fn of_client() -> Self {
        Self { has_kind: false, head: Vec::new(), left: 0 }
    }

    const fn of_server() -> Self {
        Self { has_kind: true, head: Vec::new(), left: 0 }
    }

    /// Calls `on_message` with the type of each message whose head is complete with `bytes`.
    fn read(&mut self, mut bytes: &[u8], mut on_message: impl FnMut(u8)) {
        while !bytes.is_empty() {
            let body = self.left.min(bytes.len());
            self.left -= body;
            bytes = &bytes[body..];
            if self.left > 0 {
                return;
            }
            if !self.has_kind && self.head.is_empty() {
                self.head.push(0);
            }
            let head = (5 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..head]);
            bytes = &bytes[head..];
            if let &[kind, a, b, c, d] = self.head.as_slice() {
                self.left = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or_default().saturating_sub(4);
                self.head.clear();
                if self.has_kind {
                    on_message(kind);
                }
                self.has_kind = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(mut frames: Frames, sent: &[u8], size: usize) -> Vec<u8> {
        let mut kinds = Vec::new();
        sent.chunks(size).for_each(|bytes| frames.read(bytes, |kind| kinds.push(kind)));
        kinds
    }

    #[test]
    fn messages_are_parsed_wherever_they_are_split() {
        // One row of six bytes that look like a message, and others without a body.
        let responses = b"D\0\0\0\x0aZ\0\0\0\x05IZ\0\0\0\x05I1\0\0\0\x042\0\0\0\x04Z\0\0\0\x05T";
        // A startup message without a type byte, then as the server.
        let requests = b"\0\0\0\x09\0\x03\0\0xP\0\0\0\x06SSS\0\0\0\x04Q\0\0\0\x06S\0";
        for size in 1..=responses.len() {
            assert_eq!(kinds(Frames::of_server(), responses, size), b"DZ12Z", "in chunks of {size}");
            assert_eq!(kinds(Frames::of_client(), requests, size), b"PSQ", "in chunks of {size}");
        }
    }

    #[test]
    fn round_trip_is_a_wait_and_not_a_statement() {
        let link = ProxiedConnection { traffic: Arc::default(), waits: Mutex::default() };
        let exchange = |requested: &[u8], responded: &[u8]| {
            requested.iter().for_each(|kind| link.request(*kind));
            responded.iter().for_each(|kind| link.response(*kind));
            link.traffic.round_trips()
        };
        assert_eq!(exchange(b"p", b"RRZ"), 0, "logging in");
        assert_eq!(exchange(b"PBDES", b"12TDCZ"), 1, "a statement");
        assert_eq!(exchange(b"QPBESPBES", b"CZ12CZ12CZ"), 2, "three, and one wait");
        assert_eq!(exchange(b"Q", b"CZ"), 3, "begin");
        assert_eq!(exchange(b"PH", b"1"), 4, "half a statement");
        assert_eq!(exchange(b"S", b"Z"), 5, "and the rest");
    }
}
