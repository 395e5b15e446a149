//! The readiness check of the database.

use super::{Database, errors::DEPENDENCY};
use kernel::Failure;
use ports::Probe;
use std::sync::Arc;

#[derive(Debug)]
pub struct PgProbe {
    database: Arc<Database>,
}

impl PgProbe {
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl Probe for PgProbe {
    fn dependency(&self) -> &'static str {
        DEPENDENCY
    }

    fn is_essential(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<(), Failure> {
        self.database.query("SELECT", &[]).await.map(drop)
    }
}
