//! `template.yaml`: the SAM template of the platform, generated from the catalog.
//!
//! The SAM transform is used for `AWS::Serverless::Function` only, because `sam deploy` packages it and `sam local invoke` runs it.
//! All other resources are explicit, so that they can be counted.
//!
//! **Invariant:** resources are shared where possible, to stay below CloudFormation's limit: one role lets the HTTP API invoke its
//! functions, and one policy lets rules and topics send to the queues. [`super::topology`] projects the number of resources.

mod api;
mod functions;
mod inputs;
mod messaging;
mod stores;
mod streams;

use super::cfn::Template;
pub use messaging::{event_pattern, topic_events};

/// CloudFormation's limit of resources in a stack.
pub const RESOURCE_LIMIT: usize = 500;

/// Builds the template.
#[must_use]
pub fn build() -> Template {
    let mut template = Template::new(inputs::parameters(), inputs::conditions(), inputs::globals());
    stores::add(&mut template);
    messaging::add_shared(&mut template);
    api::add_shared(&mut template);
    for function in catalog::FUNCTIONS {
        functions::add(&mut template, function);
        api::add(&mut template, function);
        messaging::add(&mut template, function);
        streams::add(&mut template, function);
    }
    template.outputs = inputs::outputs();
    template
}
