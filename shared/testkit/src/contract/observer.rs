//! Observers of ports that only send, at the place where a test sees what was received.

use super::Fixture;

/// A port and its observer.
#[derive(Debug)]
pub struct Observed<P, B> {
    pub port: P,
    pub observer: B,
}

/// Reads what a port sent.
#[allow(async_fn_in_trait)] // Single-threaded, as the ports.
pub trait Observer<T> {
    /// Waits for the first `count` received items that match `mine` and returns them in order, or fewer after a
    /// timeout. Other tests may use the same destination at the same time.
    async fn received(&self, count: usize, mine: &dyn Fn(&T) -> bool) -> Vec<T>;
}

#[allow(async_fn_in_trait)] // Single-threaded, as the ports.
pub trait Reader {
    /// Reads the bytes at a link or under a key.
    async fn read(&self, name: &str) -> Result<Vec<u8>, kernel::Failure>;
}

impl<P, B> Fixture<Observed<P, B>> {
    pub(super) fn observed_port(&self) -> &P {
        &self.port().port
    }

    pub(super) fn observer(&self) -> &B {
        &self.port().observer
    }
}
