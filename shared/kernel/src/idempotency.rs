//! What is kept of a first answer, so that a repeated request gets it again (IETF draft `Idempotency-Key`).

/// The claim that a request makes on its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Principal and route: two customers, or two routes, may use the same key.
    pub scope: String,
    /// The key as the client sent it: 1–255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the canonical body, hexadecimal: the same key with another body is a mistake of the client.
    pub fingerprint: String,
}

/// An answer as it was first given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// HTTP status.
    pub status: u16,
    /// The headers that say something of what was done, such as `location`: names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: String,
}

/// What became of a command that came with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyOutcome {
    /// The effect and this answer were committed together, now.
    Committed,
    /// The key was used before with the same body: nothing was done, this is the first answer.
    Replayed(StoredReply),
}
