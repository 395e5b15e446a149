//! Where requests come from: what a client cannot choose, for the counters that limit one source.

use kernel::Failure;

/// Identifies the sources of requests.
pub trait RequestSources {
    /// A keyed hash of `text`, in hexadecimal, that names a counter. It stays the same for as long as the counter key, which no rotation of
    /// signing keys replaces.
    async fn keyed_hash(&self, text: &str) -> Result<String, Failure>;

    /// Whether `secret` is the one that the distribution in front of the API sends with each request. `false` while there is none. The time
    /// does not depend on where the two differ.
    async fn is_from_distribution(&self, secret: &str) -> Result<bool, Failure>;
}

/// The key of [`RequestSources::keyed_hash`].
pub trait CounterKey {
    /// Makes the key unless there is one.
    async fn ensure(&self) -> Result<(), Failure>;
}
