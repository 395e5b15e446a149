//! Encryption of small secrets that a database stores.

use kernel::Failure;

/// Length of a generated secret.
pub const SECRET_BYTES: usize = 32;

/// Seals secrets, so that what is stored does not reveal them.
///
/// `associated_data` names what a secret belongs to, such as `totp/<user id>`: a sealed text that was copied to
/// something else does not open.
pub trait Sealer {
    /// Encrypts a secret. Each call returns another text.
    async fn seal(&self, associated_data: &str, secret: &[u8]) -> Result<String, Failure>;

    /// A new secret of [`SECRET_BYTES`] random bytes, and the same sealed.
    async fn generate(&self, associated_data: &str) -> Result<(Vec<u8>, String), Failure>;

    /// Decrypts what was sealed. A text that was changed, or sealed with other associated data, is `Internal`.
    async fn open(&self, associated_data: &str, sealed: &str) -> Result<Vec<u8>, Failure>;
}

/// The keys of a [`Sealer`].
pub trait SealingKeys {
    /// Adds a key, which seals from now on. The earlier ones still open what they sealed.
    async fn add_sealing_key(&self) -> Result<(), Failure>;
}
