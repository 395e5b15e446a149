//! Small secrets that a database stores, sealed with AES-256-GCM.
//!
//! A sealed text is `1.<id of the key>.<nonce and ciphertext, base64url>`; the associated data (AEAD) is authenticated
//! with it. The keys are stored as `{"keys": [{"id": …, "key": …}]}`, newest first, each 32 bytes in base64. The newest
//! seals. Keys are read once, and again when a text names one that is not known.

use super::tokens::KeySource;
use adapters_secrets::SecretValue;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kernel::{Failure, Ids};
use ports::SECRET_BYTES;
use serde::{Deserialize, Serialize};
use std::fmt;
use tokio::sync::Mutex;

/// The form of a sealed text.
const VERSION: &str = "1";

/// Seals and opens secrets with the keys in a secret of Secrets Manager.
#[derive(Debug)]
pub struct SealedSecrets<S = SecretValue> {
    source: S,
    /// Empty until they are read.
    keys: Mutex<Keys>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Key {
    id: String,
    key: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

impl Keys {
    fn parse(text: &str) -> Result<Self, Failure> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // The text is secret and must not be part of an error.
        serde_json::from_str(text).map_err(|_| Failure::internal("the secret with the sealing keys is malformed"))
    }

    fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl Key {
    fn new() -> Result<Self, Failure> {
        Ok(Self { id: Ids::system().next().to_string(), key: STANDARD.encode(random()?) })
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, Failure> {
        let bytes = STANDARD.decode(&self.key).ok().filter(|bytes| bytes.len() == SECRET_BYTES);
        let cipher = bytes.and_then(|bytes| RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok());
        cipher.ok_or_else(|| Failure::internal("a sealing key is malformed"))
    }

    fn seal(&self, associated_data: &str, secret: &[u8]) -> Result<String, Failure> {
        let mut text = secret.to_vec();
        let nonce = self.cipher()?.seal_in_place_append_tag(Aad::from(associated_data.as_bytes()), &mut text);
        let nonce = nonce.map_err(|_| Failure::internal("a secret cannot be sealed"))?;
        let bytes = [nonce.as_ref().as_slice(), &text].concat();
        Ok(format!("{VERSION}.{}.{}", self.id, URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn open(&self, associated_data: &str, encoded: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| does_not_open())?;
        let (nonce, text) = bytes.split_first_chunk_mut::<NONCE_LEN>().ok_or_else(does_not_open)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.cipher()?.open_in_place(nonce, Aad::from(associated_data.as_bytes()), text);
        opened.map(|secret| secret.to_vec()).map_err(|_| does_not_open())
    }
}

fn random() -> Result<[u8; SECRET_BYTES], Failure> {
    let mut random = [0_u8; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::internal("no random bytes are available"))?;
    Ok(random)
}

fn does_not_open() -> Failure {
    Failure::internal("a sealed secret does not open")
}

impl<S: KeySource> SealedSecrets<S> {
    pub fn new(source: S) -> Self {
        Self { source, keys: Mutex::default() }
    }

    /// The key that `choose` finds among those in memory, otherwise among those that are stored.
    async fn key(&self, choose: impl Fn(&Keys) -> Option<&Key>) -> Result<Option<Key>, Failure> {
        let mut keys = self.keys.lock().await;
        if choose(&keys).is_none() {
            *keys = Keys::parse(&self.source.read().await?.unwrap_or_default())?;
        }
        Ok(choose(&keys).cloned())
    }
}

impl<S: KeySource> ports::Sealer for SealedSecrets<S> {
    async fn seal(&self, associated_data: &str, secret: &[u8]) -> Result<String, Failure> {
        let newest = self.key(|keys| keys.keys.first()).await?;
        newest.ok_or_else(|| Failure::unavailable("secrets", "there is no sealing key"))?.seal(associated_data, secret)
    }

    async fn generate(&self, associated_data: &str) -> Result<(Vec<u8>, String), Failure> {
        let secret = random()?.to_vec();
        let sealed = self.seal(associated_data, &secret).await?;
        Ok((secret, sealed))
    }

    async fn open(&self, associated_data: &str, sealed: &str) -> Result<Vec<u8>, Failure> {
        let rest = sealed.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix('.'));
        let (id, encoded) = rest.and_then(|rest| rest.split_once('.')).ok_or_else(does_not_open)?;
        self.key(|keys| keys.find(id)).await?.ok_or_else(does_not_open)?.open(associated_data, encoded)
    }
}

impl<S: KeySource> ports::SealingKeys for SealedSecrets<S> {
    async fn add_sealing_key(&self) -> Result<(), Failure> {
        let mut keys = Keys::parse(&self.source.read().await?.unwrap_or_default())?;
        keys.keys.insert(0, Key::new()?);
        let text = serde_json::to_string(&keys).map_err(|_| Failure::internal("the sealing keys are not JSON"))?;
        self.source.write(text).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::FailureKind;
    use ports::{Sealer as _, SealingKeys as _};
    use std::cell::{Cell, RefCell};

    /// A secret in memory that counts reads.
    #[derive(Default)]
    struct Memory {
        text: RefCell<Option<String>>,
        reads: Cell<u32>,
    }

    impl KeySource for &Memory {
        async fn read(&self) -> Result<Option<String>, Failure> {
            self.reads.set(self.reads.get() + 1);
            Ok(self.text.borrow().clone())
        }

        async fn write(&self, text: String) -> Result<(), Failure> {
            *self.text.borrow_mut() = Some(text);
            Ok(())
        }
    }

    #[tokio::test]
    async fn sealed_secret_opens_and_does_not_contain_the_secret() {
        let memory = Memory::default();
        let sealer = SealedSecrets::new(&memory);
        sealer.add_sealing_key().await.unwrap();
        let (one, other) =
            (sealer.seal("a/1", b"plain secret").await.unwrap(), sealer.seal("a/1", b"plain secret").await.unwrap());
        assert_ne!(one, other);
        assert_eq!(sealer.open("a/1", &one).await.unwrap(), b"plain secret");
        assert_eq!(sealer.open("a/1", &other).await.unwrap(), b"plain secret");
        let (new, sealed) = sealer.generate("a/1").await.unwrap();
        assert_eq!((new.len(), sealer.open("a/1", &sealed).await.unwrap()), (SECRET_BYTES, new));
        let stored = URL_SAFE_NO_PAD.decode(one.rsplit('.').next().unwrap()).unwrap();
        assert!(!stored.windows(5).any(|window| window == b"plain"));
    }

    #[tokio::test]
    async fn changed_or_moved_text_does_not_open() {
        let memory = Memory::default();
        let sealer = SealedSecrets::new(&memory);
        sealer.add_sealing_key().await.unwrap();
        let sealed = sealer.seal("a/1", b"secret").await.unwrap();
        let (head, encoded) = sealed.rsplit_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(encoded).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(&bytes));
            assert_eq!(sealer.open("a/1", &changed).await.unwrap_err().kind, FailureKind::Internal, "byte {at}");
            bytes[at] ^= 1;
        }
        for (associated_data, text) in [("a/2", sealed.as_str()), ("a/1", ""), ("a/1", "1.x.y"), ("a/1", &sealed[1..])]
        {
            assert!(sealer.open(associated_data, text).await.is_err(), "{associated_data} {text}");
        }
    }

    #[tokio::test]
    async fn new_key_seals_while_the_old_one_still_opens() {
        let memory = Memory::default();
        let rotation = SealedSecrets::new(&memory);
        rotation.add_sealing_key().await.unwrap();
        let running = SealedSecrets::new(&memory);
        let old = running.seal("a", b"old").await.unwrap();
        rotation.add_sealing_key().await.unwrap();
        let new = SealedSecrets::new(&memory).seal("a", b"new").await.unwrap();
        assert_ne!(old.split('.').nth(1), new.split('.').nth(1));
        assert_eq!(running.open("a", &new).await.unwrap(), b"new");
        let reads = memory.reads.get();
        assert_eq!(running.open("a", &old).await.unwrap(), b"old");
        assert_eq!(memory.reads.get(), reads, "keys are read again for an unknown one only");
    }

    #[tokio::test]
    async fn without_a_key_sealing_is_unavailable() {
        let memory = Memory::default();
        assert_eq!(SealedSecrets::new(&memory).seal("a", b"x").await.unwrap_err().kind, FailureKind::Unavailable);
    }
}
