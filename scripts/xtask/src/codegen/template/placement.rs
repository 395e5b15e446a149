//! Which stack a resource belongs to: that of its context, or the shared one.

use catalog::{Bucket, Context, Function, Secret, Stream, Table, Topic, TopicSource, Trigger, Uses};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NestedStack {
    /// What several contexts need, and what makes a deployment ready.
    Shared,
    /// What one context needs.
    Context(Context),
}

/// Functions that every deployment needs, however few contexts it has: API Gateway's authorizer, the first migration and signing key,
/// the routes that say whether the API is ready, and the one that answers what no other route does.
const SHARED_FUNCTIONS: &[&Function] = &[
    catalog::AUTHORIZER,
    catalog::KEY_ROTATE,
    catalog::DATABASE_MIGRATE,
    catalog::HEALTH_GET,
    catalog::READY_GET,
    catalog::ROUTE_DEFAULT,
];

impl NestedStack {
    /// All stacks, the shared one first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Shared).chain(catalog::CONTEXTS.iter().map(|context| Self::Context(*context)))
    }

    /// Name of the stack and of its file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Context(context) => context.name(),
        }
    }

    pub(super) fn index(self) -> usize {
        Self::all().position(|place| place == self).unwrap_or_default()
    }

    pub(super) fn description(self) -> String {
        match self {
            Self::Shared => "Quayside, what its contexts share: bus, API, authorizer, migrations.".into(),
            Self::Context(context) => format!("Quayside, the context {}.", context.name()),
        }
    }
}

/// The stack of a function.
#[must_use]
pub fn of_function(function: &Function) -> NestedStack {
    if SHARED_FUNCTIONS.iter().any(|shared| shared.name == function.name) {
        NestedStack::Shared
    } else {
        NestedStack::Context(function.context)
    }
}

pub(super) const fn of_table(table: &Table) -> NestedStack {
    NestedStack::Context(table.context)
}

pub(super) const fn of_bucket(bucket: &Bucket) -> NestedStack {
    NestedStack::Context(bucket.context)
}

pub(super) fn of_stream(stream: &Stream) -> NestedStack {
    common(|function| {
        matches!(function.trigger, Trigger::Stream(read, _) if read.name == stream.name)
            || function.resources().any(|uses| matches!(uses, Uses::Stream(written, _) if written.name == stream.name))
    })
}

pub(super) fn of_secret(secret: &Secret) -> NestedStack {
    common(|function| {
        function.resources().any(|uses| matches!(uses, Uses::Secret(used, _) if used.name == secret.name))
    })
}

/// The stack of a topic. The sender's identity and its topics stay together, because SES publishes to them.
pub(super) fn of_topic(topic: &Topic) -> NestedStack {
    if topic.source == TopicSource::Email {
        return of_email();
    }
    common(|function| match function.trigger {
        Trigger::Fanout(from, _) | Trigger::ExternalTopic(from) => from.name == topic.name,
        _ => false,
    })
}

/// The stack of the SES identity.
pub(super) fn of_email() -> NestedStack {
    common(sends_email)
}

/// Whether a function sends e-mail.
pub(super) fn sends_email(function: &Function) -> bool {
    function.resources().any(|uses| matches!(uses, Uses::Email))
}

/// The stack of all functions that meet the condition, or the shared one if they are in several.
fn common(needs: impl Fn(&Function) -> bool) -> NestedStack {
    let users = catalog::FUNCTIONS.iter().filter(|function| needs(function)).map(|function| of_function(function));
    let names: BTreeSet<_> = users.clone().map(NestedStack::name).collect();
    match (names.len(), users.last()) {
        (1, Some(place)) => place,
        _ => NestedStack::Shared,
    }
}
