//! The topology of Quayside, as constant data: the one place where functions, routes, events, queues, tables, topics, buckets,
//! secrets and schedules are spelled.
//!
//! From a [`Function`] row follow its package, binary and artifact name; its route or its queue with dead-letter queue, rule
//! and mapping; its environment; its least-privilege statements; its memory, timeout and concurrency; its log group; its
//! resource in `template.yaml` and its entry in `terraform/catalog.json`. `cargo xtask codegen` writes those two.
//!
//! **Invariant:** no dependencies, no I/O, nothing computed at run time that a `const` can say.

mod events;
mod functions;
mod resources;

pub use events::*;
pub use functions::*;
pub use resources::*;

/// A bounded context. It owns its data: a Postgres schema of this name with a role of its own, or its own tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Who somebody is.
    Identity,
    /// What is for sale.
    Catalogue,
    /// How much of it there is.
    Inventory,
    /// What was ordered.
    Orders,
    /// What was paid.
    Payments,
    /// What was told to whom.
    Notifications,
    /// What was invoiced.
    Invoices,
    /// What it all amounts to.
    Analytics,
    /// The event backbone and the operator's tools.
    Operations,
}

/// Every context, in the order of the design.
pub const CONTEXTS: &[Context] = &[
    Context::Identity,
    Context::Catalogue,
    Context::Inventory,
    Context::Orders,
    Context::Payments,
    Context::Notifications,
    Context::Invoices,
    Context::Analytics,
    Context::Operations,
];

impl Context {
    /// Lower-case name; also the name of its Postgres schema and role.
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
            Self::Operations => "operations",
        }
    }

    /// `source` of its events, in CloudEvents and on the bus.
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
            Self::Operations => "quayside.operations",
        }
    }
}

/// HTTP methods that routes use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Safe read.
    Get,
    /// Create, or do.
    Post,
    /// Replace.
    Put,
    /// Change in part.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// As on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The roles that a principal may have, as they stand in a token.
pub mod role {
    /// Buys; sees what is theirs.
    pub const CUSTOMER: &str = "customer";
    /// Runs the shop.
    pub const STAFF: &str = "staff";
    /// Runs the platform; may do all that staff may.
    pub const ADMIN: &str = "admin";
    /// A program.
    pub const SERVICE: &str = "service";
}

/// Who may call a route. Ownership is checked in the query, not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Anybody.
    Public,
    /// A principal with one of these roles.
    Roles(&'static [&'static str]),
}

/// What calls a function.
#[derive(Debug, Clone, Copy)]
pub enum Trigger {
    /// One route of the HTTP API.
    Http {
        /// Method of the route.
        method: Method,
        /// Path of the route, parameters in braces.
        path: &'static str,
        /// Who may call it.
        auth: Auth,
        /// Whether an `Idempotency-Key` is required.
        idempotent: bool,
    },
    /// Events from the bus, through a queue of its own with a dead-letter queue.
    Bus(&'static [&'static Event]),
    /// Events from the bus through an SNS topic's filtered fan-out, then a queue of its own with a dead-letter queue.
    Fanout(&'static Topic, &'static [&'static Event]),
    /// What somebody else tells through an SNS topic, then a queue of its own with a dead-letter queue: no events of ours.
    ExternalTopic(&'static Topic),
    /// Every event of the bus, through a queue of its own with a dead-letter queue.
    AllEvents,
    /// Records of a Kinesis stream that carries these events.
    Stream(&'static Stream, &'static [&'static Event]),
    /// Changes of a DynamoDB table.
    TableChanges(&'static Table),
    /// Records of Kafka topics.
    Kafka(&'static [&'static KafkaTopic]),
    /// Every so many minutes.
    Schedule {
        /// Minutes between two runs.
        minutes: u32,
    },
    /// API Gateway, before every route that is not public.
    Authorizer,
    /// An operator or a deployment, by name.
    Operator,
}

/// What a function touches besides its trigger: gives it environment variables and the least privilege that they need.
#[derive(Debug, Clone, Copy)]
pub enum Uses {
    /// The Postgres schema of its context, as the role of its context.
    Postgres,
    /// The database as its owner: migrations only.
    PostgresOwner,
    /// The shared cache.
    Redis,
    /// A DynamoDB table of its context.
    Table(&'static Table, Access),
    /// A bucket of its context.
    Bucket(&'static Bucket, Access),
    /// A secret.
    Secret(&'static Secret, Access),
    /// A Kinesis stream of its context, to put on.
    Stream(&'static Stream),
    /// The event bus, to publish on.
    Bus,
    /// The Kafka cluster, to produce to.
    Kafka,
    /// The payment gateway.
    Gateway,
    /// Mail, to send.
    Email,
    /// Text messages, to send.
    Sms,
    /// Notices on devices, to send.
    Push,
    /// The push service's list of devices, to enter one.
    PushEndpoints,
    /// What becomes of a paid order without stock: a rule of the environment.
    ShortfallPolicy,
    /// The platform's own HTTP API: another context's published interface.
    Api,
}

/// What may be done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Read only.
    Read,
    /// Write only.
    Write,
    /// Both.
    ReadWrite,
}

/// One Lambda function.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Directory under `functions/`, package, binary and artifact; noun first.
    pub name: &'static str,
    /// The context whose data it may touch.
    pub context: Context,
    /// What calls it.
    pub trigger: Trigger,
    /// What it touches.
    pub uses: &'static [Uses],
    /// Events that it may publish.
    pub publishes: &'static [&'static Event],
    /// Memory in MiB, which on Lambda buys CPU as well.
    pub memory_mb: u32,
    /// Seconds until Lambda ends it.
    pub timeout_s: u32,
    /// Most copies at once: of the function for HTTP, of the mapping for a queue.
    pub concurrency: u32,
}

impl Function {
    /// Starts a row. Without more it is called by an operator and touches nothing.
    pub(crate) const fn new(name: &'static str, context: Context) -> Self {
        Self {
            name,
            context,
            trigger: Trigger::Operator,
            uses: &[],
            publishes: &[],
            memory_mb: 256,
            timeout_s: 10,
            concurrency: 20,
        }
    }

    pub(crate) const fn http(mut self, method: Method, path: &'static str, auth: Auth) -> Self {
        self.trigger = Trigger::Http { method, path, auth, idempotent: false };
        self
    }

    /// An `Idempotency-Key` is required.
    pub(crate) const fn idempotent(mut self) -> Self {
        if let Trigger::Http { method, path, auth, .. } = self.trigger {
            self.trigger = Trigger::Http { method, path, auth, idempotent: true };
        }
        self
    }

    pub(crate) const fn on(mut self, events: &'static [&'static Event]) -> Self {
        self.trigger = Trigger::Bus(events);
        self.concurrency = 5;
        self
    }

    pub(crate) const fn triggered(mut self, trigger: Trigger) -> Self {
        self.trigger = trigger;
        self.concurrency = 5;
        self
    }

    pub(crate) const fn uses(mut self, uses: &'static [Uses]) -> Self {
        self.uses = uses;
        self
    }

    pub(crate) const fn publishes(mut self, events: &'static [&'static Event]) -> Self {
        self.publishes = events;
        self
    }

    pub(crate) const fn concurrency(mut self, copies: u32) -> Self {
        self.concurrency = copies;
        self
    }

    pub(crate) const fn memory(mut self, mb: u32) -> Self {
        self.memory_mb = mb;
        self
    }

    pub(crate) const fn timeout(mut self, seconds: u32) -> Self {
        self.timeout_s = seconds;
        self
    }

    /// The path of its route with `{id}` filled in: where the thing of that id is found. Empty without a route.
    pub fn path_of(&self, id: impl std::fmt::Display) -> String {
        match self.trigger {
            Trigger::Http { path, .. } => path.replace("{id}", &id.to_string()),
            _ => String::new(),
        }
    }

    /// The events that reach it through a queue or a stream, whatever carries them.
    pub const fn consumes(&self) -> &'static [&'static Event] {
        match self.trigger {
            Trigger::Bus(events) | Trigger::Fanout(_, events) | Trigger::Stream(_, events) => events,
            Trigger::AllEvents => EVENTS,
            _ => &[],
        }
    }

    /// Whether a queue of its own stands in front of it.
    pub const fn has_queue(&self) -> bool {
        matches!(self.trigger, Trigger::Bus(_) | Trigger::Fanout(..) | Trigger::ExternalTopic(_) | Trigger::AllEvents)
    }

    /// Whether it consumes something, and so has a dead-letter queue.
    pub const fn has_dead_letter_queue(&self) -> bool {
        self.has_queue() || matches!(self.trigger, Trigger::Stream(..) | Trigger::TableChanges(_) | Trigger::Kafka(_))
    }

    /// Seconds that a message stays hidden while it is worked on: six times the timeout, as AWS advises for mappings.
    pub const fn visibility_s(&self) -> u32 {
        self.timeout_s * 6
    }
}

/// Deliveries of a message before the queue gives it up to the dead-letter queue. With the doubling waits of `edge::queue` that is
/// over seven hours: an evening's outage of a gateway or a database strands no order. What no retry can help is buried at once.
pub const MAX_RECEIVES: u32 = 40;

/// Every physical name begins with this, then the stage.
pub const PREFIX: &str = "quayside";

/// Finds a row by its name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().copied().find(|function| function.name == name)
}

/// Finds an event by its name with version.
pub fn find_event(name: &str) -> Option<&'static Event> {
    EVENTS.iter().copied().find(|event| event.name == name)
}
