//! For tests and benchmarks: a proxy before the database that counts round trips, and may stand for a network in between.

use std::{
    io::{Read, Result, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// What passed, of all connections together.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    trips: u64,
    last: Option<Instant>,
}

impl Traffic {
    /// Round trips so far, those of logging in apart.
    ///
    /// A round trip is a wait for the server: it begins where a client asks for an answer (`Sync`, `Query`, `Flush`) and none is on
    /// its way to it. Whoever sends several statements without waiting in between makes one.
    pub fn round_trips(&self) -> u64 {
        self.state().trips
    }

    /// When the last one ended.
    pub fn last(&self) -> Option<Instant> {
        self.state().last
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The proxy.
#[derive(Debug)]
pub struct CountingProxy {
    /// Where it listens, on this machine.
    pub port: u16,
    /// What passed.
    pub traffic: Arc<Traffic>,
}

impl CountingProxy {
    /// Before the server on `server` of this machine, which is then `each_way` away in each direction. It stands until the process
    /// ends.
    pub fn start(server: u16, each_way: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self { port: listener.local_addr()?.port(), traffic: Arc::default() };
        let traffic = Arc::clone(&proxy.traffic);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that is not made is its client's to notice.
                join(client, server, each_way, &traffic).unwrap_or_default();
            }
        });
        Ok(proxy)
    }
}

fn join(client: TcpStream, server: u16, each_way: Duration, traffic: &Arc<Traffic>) -> Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (asking, asked) = (client.try_clone()?, server.try_clone()?);
    let there = Arc::new(Link { traffic: Arc::clone(traffic), waits: Mutex::default() });
    let back = Arc::clone(&there);
    let (mut questions, mut answers) = (Frames::of_client(), Frames::of_server());
    thread::spawn(move || {
        let sees = |bytes: &[u8]| questions.read(bytes, |letter| there.asks(letter));
        carry(asking, asked, each_way, sees).unwrap_or_default();
    });
    thread::spawn(move || {
        let sees = |bytes: &[u8]| answers.read(bytes, |letter| back.answers(letter));
        carry(server, client, each_way, sees).unwrap_or_default();
    });
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the time is what is asked for: it stands for a network")]
fn carry(mut from: TcpStream, mut to: TcpStream, each_way: Duration, mut sees: impl FnMut(&[u8])) -> Result<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut bytes)?;
        if length == 0 {
            return to.shutdown(Shutdown::Write);
        }
        if !each_way.is_zero() {
            thread::sleep(each_way);
        }
        // Seen before it is sent: whoever has an answer finds it counted.
        sees(&bytes[..length]);
        to.write_all(&bytes[..length])?;
    }
}

/// One connection.
#[derive(Debug)]
struct Link {
    traffic: Arc<Traffic>,
    waits: Mutex<Waits>,
}

/// What a connection waits for.
#[derive(Debug, Default)]
struct Waits {
    /// Whether the server has let the client in.
    is_in: bool,
    /// `ReadyForQuery`s that are on their way.
    ready: usize,
}

impl Link {
    fn asks(&self, letter: u8) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        // After a `Flush` there is no word of the server that says that it was all, so each counts.
        if waits.is_in && matches!(letter, b'S' | b'Q' | b'H') && waits.ready == 0 {
            self.traffic.state().trips += 1;
        }
        waits.ready += usize::from(matches!(letter, b'S' | b'Q'));
    }

    fn answers(&self, letter: u8) {
        if letter != b'Z' {
            return;
        }
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.is_in = true;
        waits.ready = waits.ready.saturating_sub(1);
        self.traffic.state().last = Some(Instant::now());
    }
}

/// Where we are in what one side sends: frames of a letter, a length that counts itself, and so much more.
#[derive(Debug)]
struct Frames {
    /// The first thing that a client says has no letter.
    has_letter: bool,
    head: Vec<u8>,
    left: usize,
}

impl Frames {
    const fn of_client() -> Self {
        Self { has_letter: false, head: Vec::new(), left: 0 }
    }

    const fn of_server() -> Self {
        Self { has_letter: true, head: Vec::new(), left: 0 }
    }

    /// Says the letter of each frame whose head is complete with `bytes`.
    fn read(&mut self, mut bytes: &[u8], mut says: impl FnMut(u8)) {
        while !bytes.is_empty() {
            let body = self.left.min(bytes.len());
            self.left -= body;
            bytes = &bytes[body..];
            if self.left > 0 {
                return;
            }
            if !self.has_letter && self.head.is_empty() {
                self.head.push(0);
            }
            let head = (5 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..head]);
            bytes = &bytes[head..];
            if let &[letter, a, b, c, d] = self.head.as_slice() {
                self.left = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or_default().saturating_sub(4);
                self.head.clear();
                if self.has_letter {
                    says(letter);
                }
                self.has_letter = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(mut frames: Frames, sent: &[u8], size: usize) -> Vec<u8> {
        let mut letters = Vec::new();
        sent.chunks(size).for_each(|bytes| frames.read(bytes, |letter| letters.push(letter)));
        letters
    }

    #[test]
    fn frames_are_told_apart_however_they_are_cut() {
        // One row of six bytes that look like a frame, and others without a body.
        let answers = b"D\0\0\0\x0aZ\0\0\0\x05IZ\0\0\0\x05I1\0\0\0\x042\0\0\0\x04Z\0\0\0\x05T";
        // Who it is, without a letter, and then as the server.
        let questions = b"\0\0\0\x09\0\x03\0\0xP\0\0\0\x06SSS\0\0\0\x04Q\0\0\0\x06S\0";
        for size in 1..=answers.len() {
            assert_eq!(letters(Frames::of_server(), answers, size), b"DZ12Z", "in pieces of {size}");
            assert_eq!(letters(Frames::of_client(), questions, size), b"PSQ", "in pieces of {size}");
        }
    }

    #[test]
    fn a_round_trip_is_a_wait_and_not_a_statement() {
        let link = Link { traffic: Arc::default(), waits: Mutex::default() };
        let say = |asked: &[u8], answered: &[u8]| {
            asked.iter().for_each(|letter| link.asks(*letter));
            answered.iter().for_each(|letter| link.answers(*letter));
            link.traffic.round_trips()
        };
        assert_eq!(say(b"p", b"RRZ"), 0, "logging in");
        assert_eq!(say(b"PBDES", b"12TDCZ"), 1, "a statement");
        assert_eq!(say(b"QPBESPBES", b"CZ12CZ12CZ"), 2, "three, and one wait");
        assert_eq!(say(b"Q", b"CZ"), 3, "begin");
        assert_eq!(say(b"PH", b"1"), 4, "half a statement");
        assert_eq!(say(b"S", b"Z"), 5, "and the rest");
    }
}
