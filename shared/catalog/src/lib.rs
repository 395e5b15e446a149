//! The topology of Quayside as constant data: the only place that names functions, routes, events, queues, tables, topics, buckets,
//! secrets, schedules, alarms and service level objectives.
//!
//! A [`Function`] row determines the names of its package, binary and artifact, its route or its queue with dead-letter queue, rule and
//! event source mapping, its environment variables, its least-privilege policy, its memory, timeout and concurrency, and its log group.
//! `cargo xtask codegen` writes them to `template.yaml`, `stacks` and `terraform/catalog.json`.
//!
//! **Invariant:** no dependencies, no I/O, and constants wherever possible.

mod actions;
mod alarms;
mod capacity;
mod database;
mod deliveries;
mod events;
mod functions;
mod resources;
mod retention;
mod routes;
mod slo;
mod stores;
mod uses;

pub use actions::*;
pub use alarms::*;
pub use capacity::*;
pub use database::*;
pub use deliveries::*;
pub use events::*;
pub use functions::*;
pub use resources::*;
pub use retention::{
    EVENT_RECORD_DAYS, IDEMPOTENCY_HOURS, RETENTION, Removal, RetentionRule, SweptTable, swept_tables,
};
pub use routes::*;
pub use slo::*;
pub use stores::{Personal, STORE_KINDS, STORES, Store, StoreKind};
pub use uses::Uses;

/// A bounded context. It owns its data: a PostgreSQL schema of this name with its own roles, or its own DynamoDB tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    Identity,
    /// Products for sale.
    Catalogue,
    /// Stock of products.
    Inventory,
    Orders,
    Payments,
    Notifications,
    Invoices,
    Analytics,
    /// Measurements and other data that service clients send in large numbers.
    Records,
    /// Event forwarding, archive, outbox, migrations and health checks.
    Operations,
}

pub const CONTEXTS: &[Context] = &[
    Context::Identity,
    Context::Catalogue,
    Context::Inventory,
    Context::Orders,
    Context::Payments,
    Context::Notifications,
    Context::Invoices,
    Context::Analytics,
    Context::Records,
    Context::Operations,
];

impl Context {
    /// Lower-case name; also the name of its PostgreSQL schema and role.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Catalogue => "catalogue",
            Self::Inventory => "inventory",
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Notifications => "notifications",
            Self::Invoices => "invoices",
            Self::Analytics => "analytics",
            Self::Records => "records",
            Self::Operations => "operations",
        }
    }

    /// `source` of its events in CloudEvents and on the event bus.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Identity => "quayside.identity",
            Self::Catalogue => "quayside.catalogue",
            Self::Inventory => "quayside.inventory",
            Self::Orders => "quayside.orders",
            Self::Payments => "quayside.payments",
            Self::Notifications => "quayside.notifications",
            Self::Invoices => "quayside.invoices",
            Self::Analytics => "quayside.analytics",
            Self::Records => "quayside.records",
            Self::Operations => "quayside.operations",
        }
    }
}

/// What invokes a function.
#[derive(Debug, Clone, Copy)]
pub enum Trigger {
    /// A route of the HTTP API.
    Http {
        method: Method,
        /// Parameters are in braces.
        path: &'static str,
        auth: Auth,
        /// How an `Idempotency-Key` is treated.
        idempotency: Idempotency,
    },
    /// Every request of the HTTP API that matches no route.
    DefaultRoute,
    /// Events from the event bus, through its own queue with a dead-letter queue.
    Bus(&'static [&'static Event]),
    /// Events from the event bus, through an SNS topic with a filter policy and its own queue with a dead-letter queue.
    Fanout(&'static Topic, &'static [&'static Event]),
    /// Messages of an external publisher, through an SNS topic and its own queue with a dead-letter queue.
    ExternalTopic(&'static Topic),
    /// All events from the event bus, through its own queue with a dead-letter queue.
    AllEvents,
    /// Records of a Kinesis stream of these events.
    Stream(&'static Stream, &'static [&'static Event]),
    /// New items in the DynamoDB stream of a table, and changes by staff. Other changes invoke nothing.
    TableChanges(&'static Table),
    /// New objects of a bucket whose keys begin with this prefix. S3 invokes asynchronously.
    Objects(&'static Bucket, &'static str),
    /// Records of Kafka topics.
    Kafka(&'static [&'static KafkaTopic]),
    Schedule {
        /// Interval in minutes.
        minutes: u32,
    },
    /// API Gateway, as the authorizer of every route that is not public.
    Authorizer,
    /// An operator or a deployment, by function name.
    Operator,
}

#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Name of the directory under `functions/`, the package, the binary and the artifact; noun first.
    pub name: &'static str,
    /// The context whose data it may access.
    pub context: Context,
    pub trigger: Trigger,
    /// What its row declares; [`Function::resources`] has all.
    declared: &'static [Uses],
    /// Whether it counts attempts by address.
    counts_attempts: bool,
    /// Events that it may publish.
    pub publishes: &'static [&'static Event],
    /// Memory in MiB; determines the CPU share, too.
    pub memory_mb: u32,
    pub timeout_s: u32,
    /// Maximum concurrency: of the function for HTTP, of the event source mapping for a queue.
    pub concurrency: u32,
    /// Execution environments that are kept initialized in production.
    pub provisioned: u32,
    /// How its event source mapping gathers records.
    pub batch: Batch,
    /// The class of its route, if another one than [`Function::route_class`] derives.
    pub class: Option<RouteClass>,
    /// Whether it handles an event again that it has handled.
    compares_versions: bool,
}

impl Function {
    /// Creates a row with defaults: invoked by operators, without resources.
    pub(crate) const fn new(name: &'static str, context: Context) -> Self {
        Self {
            name,
            context,
            trigger: Trigger::Operator,
            declared: &[],
            counts_attempts: false,
            publishes: &[],
            memory_mb: MEMORY_MB,
            timeout_s: 10,
            concurrency: 20,
            provisioned: 0,
            batch: Batch::QUEUE,
            class: None,
            compares_versions: false,
        }
    }

    pub(crate) const fn http(mut self, method: Method, path: &'static str, auth: Auth) -> Self {
        self.trigger = Trigger::Http { method, path, auth, idempotency: Idempotency::Ignored };
        self
    }

    /// Requires an `Idempotency-Key`.
    pub(crate) const fn idempotent(self) -> Self {
        self.with_key(Idempotency::Required)
    }

    /// Honours an `Idempotency-Key` if there is one.
    pub(crate) const fn honours_key(self) -> Self {
        self.with_key(Idempotency::Honoured)
    }

    const fn with_key(mut self, idempotency: Idempotency) -> Self {
        if let Trigger::Http { method, path, auth, .. } = self.trigger {
            self.trigger = Trigger::Http { method, path, auth, idempotency };
        }
        self
    }

    pub(crate) const fn class(mut self, class: RouteClass) -> Self {
        self.class = Some(class);
        self
    }

    /// As [`RouteClass::Unlimited`] says.
    pub(crate) const fn unlimited(self) -> Self {
        self.class(RouteClass::Unlimited)
    }

    pub(crate) const fn on(mut self, events: &'static [&'static Event]) -> Self {
        self.trigger = Trigger::Bus(events);
        self.concurrency = 5;
        self
    }

    /// As [`ReplayPolicy::ByVersion`] says.
    pub(crate) const fn by_version(mut self) -> Self {
        self.compares_versions = true;
        self
    }

    pub(crate) const fn triggered(mut self, trigger: Trigger) -> Self {
        if matches!(trigger, Trigger::Stream(..) | Trigger::TableChanges(_) | Trigger::Kafka(_)) {
            self.batch = Batch::STREAM;
            self.memory_mb = 2 * MEMORY_MB;
        }
        self.trigger = trigger;
        self.concurrency = 5;
        self
    }

    pub(crate) const fn uses(mut self, uses: &'static [Uses]) -> Self {
        self.declared = uses;
        self
    }

    /// Uses the counter key and the origin secret, to count attempts by address.
    pub(crate) const fn counts_attempts(mut self) -> Self {
        self.counts_attempts = true;
        self
    }

    pub(crate) const fn publishes(mut self, events: &'static [&'static Event]) -> Self {
        self.publishes = events;
        self
    }

    /// The path of its route with its first parameter replaced; empty without a route.
    pub fn path_of(&self, id: impl std::fmt::Display) -> String {
        match self.trigger {
            Trigger::Http { path, .. } => match path.split_once('{').zip(path.split_once('}')) {
                Some(((before, _), (_, after))) => format!("{before}{id}{after}"),
                None => path.to_owned(),
            },
            _ => String::new(),
        }
    }

    /// Whether API Gateway invokes it for requests.
    pub const fn is_http(&self) -> bool {
        matches!(self.trigger, Trigger::Http { .. } | Trigger::DefaultRoute)
    }

    /// The events that it may put on the bus: its own, or, if it publishes none, those of every outbox.
    pub fn puts_on_bus(&self) -> Vec<&'static Event> {
        let uses = |row: &Function, wanted: fn(&Uses) -> bool| row.resources().any(wanted);
        if !uses(self, |uses| matches!(uses, Uses::Bus)) || !self.publishes.is_empty() {
            return self.publishes.to_vec();
        }
        let has_outbox = |event: &&&'static Event| {
            let publishes = |row: &&&Function| row.publishes.iter().any(|own| own.name == event.name);
            FUNCTIONS.iter().filter(publishes).any(|row| uses(row, |uses| matches!(uses, Uses::Postgres)))
        };
        EVENTS.iter().filter(has_outbox).copied().collect()
    }

    /// Whether it is invoked by its own queue.
    pub const fn has_queue(&self) -> bool {
        matches!(self.trigger, Trigger::Bus(_) | Trigger::Fanout(..) | Trigger::ExternalTopic(_) | Trigger::AllEvents)
    }

    /// The Kafka topics that it reads.
    pub const fn topics(&self) -> &'static [&'static KafkaTopic] {
        match self.trigger {
            Trigger::Kafka(topics) => topics,
            _ => &[],
        }
    }

    /// Whether its dead letters can be delivered to it again: it reads a queue, or topics to which a record can be appended again.
    pub const fn is_redrivable(&self) -> bool {
        self.has_queue() || !self.topics().is_empty()
    }

    /// Whether event source mappings invoke it: with messages of its queue, or records of a stream or a topic.
    pub const fn has_event_source_mapping(&self) -> bool {
        self.has_queue() || matches!(self.trigger, Trigger::Stream(..) | Trigger::TableChanges(_) | Trigger::Kafka(_))
    }

    /// Whether it consumes a queue, a stream or objects, and therefore has a dead-letter queue.
    pub const fn has_dead_letter_queue(&self) -> bool {
        self.has_event_source_mapping() || matches!(self.trigger, Trigger::Objects(..))
    }
}

/// Prefix of every physical name, followed by the stage.
pub const PREFIX: &str = "quayside";

/// Finds a function by its name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().copied().find(|function| function.name == name)
}

/// Finds an event by its name, including the version.
pub fn find_event(name: &str) -> Option<&'static Event> {
    EVENTS.iter().copied().find(|event| event.name == name)
}
