//! The CloudFormation templates of the platform, generated from the catalog: `template.yaml`, which `sam deploy` deploys, and one
//! nested stack for what the contexts share and for each context.
//!
//! All of them are plain CloudFormation, so that AWS and an emulator read the same files, and so that resources can be counted.
//! `sam deploy` packages the zips and the nested templates; `sam local invoke` finds functions in nested stacks.
//!
//! **Invariant:** a context's stack refers to itself and to the shared stack, never to another context's: each can be deployed by itself.

mod api;
mod functions;
mod inputs;
mod links;
mod messaging;
mod placement;
mod stores;
mod streams;

use super::cfn::Template;
use crate::Result;
pub use messaging::{event_pattern, topic_events};
pub use placement::{NestedStack, of_function};

/// CloudFormation's limit of resources in a stack.
pub const RESOURCE_LIMIT: usize = 500;
/// The generator refuses larger stacks, so that a hot fix still fits.
pub const MAX_RESOURCES: usize = 450;
/// CloudFormation's limits of parameters and of outputs.
const PARAMETER_LIMIT: usize = 200;
/// CloudFormation's limit of a template in bytes.
const SIZE_LIMIT: usize = 1_000_000;

/// Directory of the nested templates. It contains generated files only.
pub const DIRECTORY: &str = "stacks";

/// The templates of the platform.
pub struct Stacks {
    /// `template.yaml`, which nests the others.
    pub parent: Template,
    /// The shared stack, then the contexts' in the order of the catalog.
    pub children: Vec<Template>,
}

impl Stacks {
    /// The nested stack of a context, or the shared one.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Template> {
        self.children.iter().find(|stack| stack.name == name)
    }
}

/// The nested templates before references between them are linked.
struct Drafts(Vec<Template>);

impl Drafts {
    fn new() -> Self {
        let draft = |place: NestedStack| Template::new(place.name(), place.description());
        Self(NestedStack::all().map(draft).collect())
    }

    fn at(&mut self, place: NestedStack) -> &mut Template {
        &mut self.0[place.index()]
    }
}

#[must_use]
pub fn build() -> Stacks {
    let mut drafts = Drafts::new();
    stores::add(&mut drafts);
    messaging::add_shared(&mut drafts);
    api::add_shared(&mut drafts);
    for function in catalog::FUNCTIONS {
        let template = drafts.at(of_function(function));
        functions::add(template, function);
        api::add(template, function);
        messaging::add(template, function);
        streams::add(template, function);
    }
    for template in &mut drafts.0 {
        api::add_role(template);
        messaging::add_queue_policy(template);
        messaging::add_dead_letter_policy(template);
    }
    // A context without functions and resources has no stack.
    drafts.0.retain(|template| !template.resources().is_empty());
    links::link(drafts.0)
}

/// Path of a nested template from the root of the repository.
#[must_use]
pub fn path(stack: &Template) -> String {
    format!("{DIRECTORY}/{}.yaml", stack.name)
}

/// Refuses a template that CloudFormation would refuse, or nearly.
pub fn check(template: &Template) -> Result<()> {
    let name = if template.name.is_empty() { "the parent" } else { template.name };
    let refuse = |count: usize, what: &str, limit: usize| {
        if count <= limit {
            return Ok(());
        }
        Err(format!(
            "the stack of {name} has {count} {what}, and at most {limit} are allowed (CloudFormation allows {RESOURCE_LIMIT} resources \
             a stack): split the context in shared/catalog, or place resources in template/placement.rs"
        ))
    };
    refuse(template.resources().len(), "resources", MAX_RESOURCES)?;
    refuse(template.parameters.len(), "parameters", PARAMETER_LIMIT)?;
    refuse(template.outputs.len(), "outputs", PARAMETER_LIMIT)?;
    refuse(template.to_yaml()?.len(), "bytes", SIZE_LIMIT)
}
