//! Idempotency records: the stored response of a request, replayed when the request is repeated (IETF draft `Idempotency-Key`).

/// Code of the rejection of a key that was used with another fingerprint.
pub const IDEMPOTENCY_KEY_REUSED: &str = "idempotency-key-reused";

/// An idempotency key with the scope it is unique in and the body it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Principal and route; the same key in another scope is independent.
    pub scope: String,
    /// The key as sent by the client: 1–255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the canonical body, in hexadecimal. Reuse of the key with another fingerprint is rejected: [`IDEMPOTENCY_KEY_REUSED`].
    pub fingerprint: String,
}

/// The first response to a command, which repetitions of the command get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// HTTP status code.
    pub status: u16,
    /// Names (lower case) and values of the headers that describe the effect, such as `location`.
    pub headers: Vec<(String, String)>,
    /// The body, unchanged.
    pub body: String,
}

/// The outcome of a command that carries an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyOutcome {
    /// The effect and its response were committed in one transaction.
    Committed,
    /// The key was used before with the same body; nothing was changed. Contains the stored response.
    Replayed(StoredReply),
}
