//! Ports that only hand things over, and the place beyond them where a suite sees what arrived.

use super::Fixture;

/// A port, and what lies beyond it.
#[derive(Debug)]
pub struct Observed<P, B> {
    /// The port.
    pub port: P,
    /// What lies beyond.
    pub observer: B,
}

/// What lies beyond a port.
#[allow(async_fn_in_trait)] // As with the ports: one thread.
pub trait Observer<T> {
    /// The first `count` things that arrived and that `mine` knows, in order. Waits for them, and gives up at last with those
    /// that came. Others may use the same place at the same time.
    async fn received(&self, count: usize, mine: &dyn Fn(&T) -> bool) -> Vec<T>;
}

/// What is kept under a name.
#[allow(async_fn_in_trait)] // As with the ports: one thread.
pub trait Reader {
    /// The bytes behind a link or under a key.
    async fn read(&self, name: &str) -> Result<Vec<u8>, kernel::Failure>;
}

impl<P, B> Fixture<Observed<P, B>> {
    /// The port of the first process.
    pub(super) fn observed_port(&self) -> &P {
        &self.port().port
    }

    /// What lies beyond it.
    pub(super) fn observer(&self) -> &B {
        &self.port().observer
    }
}
