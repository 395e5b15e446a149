//! The roles with which functions log in at PostgreSQL. The owner, who migrates, is not one of them.

use crate::{CONTEXTS, Context, FUNCTIONS, Function, Uses};

/// A role of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseRole {
    /// Works in the schema of its context. It adds events to the outbox and marks what it published, and changes nothing else there.
    Writer(Context),
    /// Reads the tables of its context, but not outbox, inbox and stored responses.
    Reader(Context),
    /// Logs in and may neither read nor write. Its transactions are not read-only by themselves, so that they show whether the server takes writes.
    Probe,
    /// Adds entries to the inbox, the event records and the actions of operations, and can read no table. It asks what consumers have handled.
    Recorder,
}

impl DatabaseRole {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Writer(context) => context.name(),
            Self::Reader(Context::Identity) => "identity_reader",
            Self::Reader(Context::Catalogue) => "catalogue_reader",
            Self::Reader(Context::Inventory) => "inventory_reader",
            Self::Reader(Context::Orders) => "orders_reader",
            Self::Reader(Context::Payments) => "payments_reader",
            Self::Reader(Context::Notifications) => "notifications_reader",
            Self::Reader(Context::Invoices) => "invoices_reader",
            Self::Reader(Context::Analytics) => "analytics_reader",
            Self::Reader(Context::Records) => "records_reader",
            Self::Reader(Context::Operations) => "operations_reader",
            Self::Probe => "probe",
            Self::Recorder => "recorder",
        }
    }

    /// The context in whose schema it works; `None` for one that works in none.
    pub const fn context(self) -> Option<Context> {
        match self {
            Self::Writer(context) | Self::Reader(context) => Some(context),
            Self::Probe => None,
            Self::Recorder => Some(Context::Operations),
        }
    }

    /// Whether every transaction of the role is read-only.
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::Reader(_))
    }
}

impl Function {
    /// The role with which it logs in at the database. Its row decides: the one that may do no more than the function needs.
    pub fn database_role(&self) -> Option<DatabaseRole> {
        self.resources().find_map(|uses| match uses {
            Uses::Postgres => Some(DatabaseRole::Writer(self.context)),
            Uses::PostgresRead => Some(DatabaseRole::Reader(self.context)),
            Uses::PostgresProbe => Some(DatabaseRole::Probe),
            Uses::PostgresHandledEvents => Some(DatabaseRole::Recorder),
            _ => None,
        })
    }
}

/// Every role that some function logs in with: those of each context, writer first, and then the probe and the recorder.
pub fn database_roles() -> impl Iterator<Item = DatabaseRole> {
    let of_contexts =
        CONTEXTS.iter().flat_map(|context| [DatabaseRole::Writer(*context), DatabaseRole::Reader(*context)]);
    let is_used = |role: &DatabaseRole| FUNCTIONS.iter().any(|function| function.database_role() == Some(*role));
    of_contexts.chain([DatabaseRole::Probe, DatabaseRole::Recorder]).filter(is_used)
}
