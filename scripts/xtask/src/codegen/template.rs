//! `template.yaml`: the SAM template of the whole platform, from the rows of the catalog.
//!
//! SAM's transform is there for `AWS::Serverless::Function`, which `sam deploy` packages and `sam local invoke` runs;
//! everything else is explicit, so that no resource appears that was not counted.
//!
//! **Invariant:** what can be shared is: one role lets the HTTP API call its functions, one policy lets rules and topics
//! fill the queues. That is what keeps the stack under CloudFormation's limit, see [`super::topology`].

mod api;
mod functions;
mod inputs;
mod messaging;
mod stores;
mod streams;

use super::cfn::Template;
pub use messaging::{event_pattern, topic_events};

/// Most resources that CloudFormation takes in a stack.
pub const RESOURCE_LIMIT: usize = 500;

/// The template.
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
