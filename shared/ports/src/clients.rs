//! Ports of service clients.

use crate::{LoginCounters, RequestSources};
use domain::{
    client::{Client, ClientCredentials},
    id::ClientId,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, Page, StoredReply, Timestamp};

/// Service clients, each with the digests of its secrets.
pub trait ClientStore {
    /// Stores a new client with the digest of its secret. With a key, it does so once: the response is stored with the client, or the one that
    /// is stored is returned.
    async fn create_client(
        &self,
        client: &Client,
        digest: &str,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<IdempotencyOutcome, Failure>;

    async fn client(&self, id: ClientId) -> Result<Option<Client>, Failure>;

    /// The clients, newest first.
    async fn clients(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Client>, Failure>;

    /// Replaces the secret of a client, once for a key like [`Self::create_client`]. The one that was current stays valid until
    /// `previous_valid_until`, and the one before is no longer valid. `None` if there is no such client.
    async fn replace_secret(
        &self,
        client: ClientId,
        digest: &str,
        previous_valid_until: Timestamp,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// Deletes a client. `false` if there is none.
    async fn delete_client(&self, client: ClientId) -> Result<bool, Failure>;

    /// Counts an attempt to prove to be a client, like [`crate::UserStore::reserve_login`], and returns what it is checked against.
    /// `None` stands for an id that no client can have.
    async fn reserve_client(
        &self,
        client: Option<ClientId>,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<ClientAttempt, Failure>;
}

/// Whether an attempt to prove to be a client may be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAttempt {
    /// It may, against the digests of the secrets that are valid; none if there is no such client.
    Granted(Vec<String>),
    /// It may not, before this time; `None` if concurrent attempts have just used up what was left.
    Refused(Option<Timestamp>),
}

/// An attempt to authenticate as a service client.
#[derive(Clone, Copy)]
pub struct ClientProof<'a> {
    pub credentials: &'a ClientCredentials,
    /// The client's IP address.
    pub client_address: Option<&'a str>,
    pub now: Timestamp,
}

/// Authenticates service clients, throttled by `domain::login_throttle`.
pub trait ClientLogins: RequestSources {
    /// Verifies a secret. `None` for a wrong secret and for an unknown client alike; `RateLimited` after too many.
    async fn prove_client(&self, attempt: ClientProof<'_>) -> Result<Option<ClientId>, Failure>;
}

/// Secrets of service clients.
pub trait ClientSecrets {
    /// A new secret and its stored digest: 256 random bits, and the SHA-256 of its text in hexadecimal.
    fn client_secret(&self) -> Result<(String, String), Failure>;

    /// Whether a digest is that of the secret. The time does not depend on where they differ.
    fn is_digest_of_secret(&self, digest: &str, secret: &str) -> bool;
}
