//! Whether the database answers.

use super::{Database, failures::PART};
use kernel::Failure;
use ports::Probe;
use std::sync::Arc;

/// Asks the database for nothing.
#[derive(Debug)]
pub struct PgProbe {
    database: Arc<Database>,
}

impl PgProbe {
    /// Asks `database`.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl Probe for PgProbe {
    fn dependency(&self) -> &'static str {
        PART
    }

    fn is_essential(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<(), Failure> {
        self.database.query("SELECT", &[]).await.map(drop)
    }
}
