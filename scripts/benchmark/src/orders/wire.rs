//! A proxy before the database: counts the round trips, notes when answers pass, and may stand for a network in between.

use std::{
    io::{Read, Result, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What passed, of all connections together.
#[derive(Default)]
pub struct Tally {
    trips: AtomicU64,
    last: Mutex<Option<Instant>>,
}

impl Tally {
    /// Round trips so far. After each the server says that it is ready (`ReadyForQuery`), after logging in as well; nobody here
    /// sends a second query before that.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }

    /// When the last one ended.
    pub fn last(&self) -> Option<Instant> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.trips.fetch_add(1, Ordering::SeqCst);
    }
}

/// The proxy.
pub struct Wire {
    /// Where it listens, on this machine.
    pub port: u16,
    /// What passed.
    pub tally: Arc<Tally>,
}

impl Wire {
    /// Before the server on `server`, which is then `each_way` away in each direction.
    pub fn before(server: u16, each_way: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let wire = Self { port: listener.local_addr()?.port(), tally: Arc::default() };
        let tally = Arc::clone(&wire.tally);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that is not made is its client's to notice.
                join(client, server, each_way, &tally).unwrap_or_default();
            }
        });
        Ok(wire)
    }
}

fn join(client: TcpStream, server: u16, each_way: Duration, tally: &Arc<Tally>) -> Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (asking, asked) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || carry(asking, asked, each_way, |_| {}).unwrap_or_default());
    let (mut frames, tally) = (Frames::default(), Arc::clone(tally));
    std::thread::spawn(move || {
        carry(server, client, each_way, |bytes| frames.read(bytes, || tally.pass())).unwrap_or_default()
    });
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the time is what is asked for: it stands for a network")]
fn carry(mut from: TcpStream, mut to: TcpStream, each_way: Duration, mut sees: impl FnMut(&[u8])) -> Result<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut bytes)?;
        if length == 0 {
            return to.shutdown(std::net::Shutdown::Write);
        }
        if !each_way.is_zero() {
            std::thread::sleep(each_way);
        }
        sees(&bytes[..length]);
        to.write_all(&bytes[..length])?;
    }
}

/// Where we are in what the server sends: frames of a letter, a length that counts itself, and so much more.
#[derive(Default)]
struct Frames {
    head: Vec<u8>,
    left: usize,
}

impl Frames {
    const READY: u8 = b'Z';

    fn read(&mut self, mut bytes: &[u8], mut ready: impl FnMut()) {
        while !bytes.is_empty() {
            let body = self.left.min(bytes.len());
            self.left -= body;
            bytes = &bytes[body..];
            let head = (5 - self.head.len()).min(bytes.len());
            if self.left == 0 && head > 0 {
                self.head.extend_from_slice(&bytes[..head]);
                bytes = &bytes[head..];
            }
            if let [letter, length @ ..] = self.head.as_slice()
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                self.left = (u32::from_be_bytes(length) as usize).saturating_sub(4);
                if *letter == Self::READY {
                    ready();
                }
                self.head.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_however_they_are_cut() {
        // One row of six bytes that look like what we look for, and twice the real thing.
        let sent = b"D\0\0\0\x0aZ\0\0\0\x05IZ\0\0\0\x05IN\0\0\0\x04Z\0\0\0\x05T";
        for size in 1..sent.len() {
            let (mut frames, mut count) = (Frames::default(), 0);
            sent.chunks(size).for_each(|bytes| frames.read(bytes, || count += 1));
            assert_eq!(count, 2, "in pieces of {size}");
        }
    }
}
