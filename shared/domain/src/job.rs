//! Work that takes many steps: a record of how far it has come, which one invocation after the other takes on.

use crate::{product_export::Export, product_import::Import};
use kernel::{Timestamp, Uuid};
use serde::{Serialize, de::DeserializeOwned};

/// Seconds for which no other invocation takes on a job that an invocation has taken on: longer than an invocation may last.
pub const LEASE_SECONDS: i64 = 150;

pub trait Job: Clone + std::fmt::Debug + Serialize + DeserializeOwned + Send + Sync {
    /// The word for jobs of this type.
    const KIND: &'static str;

    fn id(&self) -> Uuid;

    fn created_at(&self) -> Timestamp;

    /// Whether there is something left to do.
    fn is_open(&self) -> bool;
}

/// Implements [`Job`] for a type with these members, and with the word for its jobs.
macro_rules! job {
    ($job:ty, $kind:literal) => {
        impl Job for $job {
            const KIND: &'static str = $kind;

            fn id(&self) -> Uuid {
                self.id.0
            }

            fn created_at(&self) -> Timestamp {
                self.created_at
            }

            fn is_open(&self) -> bool {
                Self::is_open(self)
            }
        }
    };
}

job!(Import, "import");
job!(Export, "export");
