//! Secrets that a process remembers for minutes.

use adapters_secrets::SecretValue;
use kernel::Failure;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a value is cached.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(300);

/// The storage of keys.
#[allow(async_fn_in_trait)] // As in `ports`: no caller needs `Send` futures.
pub trait KeySource {
    /// `None` while there are no keys.
    async fn read(&self) -> Result<Option<String>, Failure>;

    async fn write(&self, text: String) -> Result<(), Failure>;
}

impl KeySource for SecretValue {
    async fn read(&self) -> Result<Option<String>, Failure> {
        SecretValue::read(self).await
    }

    async fn write(&self, text: String) -> Result<(), Failure> {
        SecretValue::write(self, text).await
    }
}

/// What was read from a secret.
#[derive(Debug)]
pub(crate) struct Cache<K>(Mutex<Option<Cached<K>>>);

#[derive(Debug)]
struct Cached<K> {
    keys: Arc<K>,
    read_at: Instant,
}

impl<K> Cache<K> {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    /// A value that was read less than `age` ago. If reading fails, the cached one remains in use.
    pub(crate) async fn get(
        &self,
        age: Duration,
        read: impl AsyncFnOnce() -> Result<K, Failure>,
    ) -> Result<Arc<K>, Failure> {
        let mut cached = self.0.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.read_at.elapsed() < age) {
            return Ok(Arc::clone(&cached.keys));
        }
        match (read().await, &mut *cached) {
            (Ok(keys), _) => {
                let keys = Arc::new(keys);
                *cached = Some(Cached { keys: Arc::clone(&keys), read_at: Instant::now() });
                Ok(keys)
            }
            (Err(failure), Some(old)) => {
                tracing::warn!(
                    failure.code,
                    failure.detail,
                    failure.internal,
                    "a secret cannot be read; the cached value remains in use"
                );
                old.read_at = Instant::now();
                Ok(Arc::clone(&old.keys))
            }
            (Err(failure), None) => Err(failure),
        }
    }
}

/// A secret in memory, for tests.
#[cfg(test)]
pub(crate) mod memory {
    use super::KeySource;
    use kernel::Failure;
    use std::cell::{Cell, RefCell};

    /// Counts reads, which fail while it is down.
    #[derive(Default)]
    pub(crate) struct Secret {
        pub text: RefCell<Option<String>>,
        pub reads: Cell<u32>,
        pub is_down: Cell<bool>,
    }

    impl Secret {
        pub fn new(text: Option<&str>) -> Self {
            Self { text: RefCell::new(text.map(str::to_owned)), ..Self::default() }
        }
    }

    impl KeySource for &Secret {
        async fn read(&self) -> Result<Option<String>, Failure> {
            self.reads.set(self.reads.get() + 1);
            match self.is_down.get() {
                true => Err(Failure::unavailable("secrets", "down")),
                false => Ok(self.text.borrow().clone()),
            }
        }

        async fn write(&self, text: String) -> Result<(), Failure> {
            self.text.replace(Some(text));
            Ok(())
        }
    }
}
