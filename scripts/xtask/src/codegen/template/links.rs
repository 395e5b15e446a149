//! References between stacks. A context's stack gets what it needs of the shared stack, and of the deployment's inputs, as parameters of
//! its own; the parent passes them. Nothing of this is written by hand: it follows from the references of the resources.

use super::{DIRECTORY, NestedStack, Stacks, inputs};
use crate::codegen::{
    cfn::{Resource, Target, Template, attribute, reference, rewritten},
    names::logical,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Logical id of a nested stack in the parent.
fn stack_id(name: &str) -> String {
    logical(name, "Stack")
}

/// Name of the output and of the parameter through which a stack passes a resource to others: `EventBus`, `UndeliveredQueueArn`.
fn link_name(target: &Target) -> String {
    match &target.attribute {
        None => target.id.clone(),
        Some(attribute) if attribute.starts_with(&target.id) => attribute.clone(),
        Some(attribute) => format!("{}{attribute}", target.id),
    }
}

/// Adds parameters, conditions and outputs to the nested templates, and the parent.
pub(super) fn link(mut children: Vec<Template>) -> Stacks {
    let inputs = inputs::parameters();
    let owners: BTreeMap<String, usize> = children
        .iter()
        .enumerate()
        .flat_map(|(index, child)| child.resources().iter().map(move |resource| (resource.id().to_owned(), index)))
        .collect();
    let mut exports: Vec<BTreeMap<String, Target>> = children.iter().map(|_| BTreeMap::new()).collect();
    let mut parent = Template::new("", "Quayside, an event-driven order platform.".into());
    parent.parameters = inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();

    for index in 0..children.len() {
        let imports = import(&mut children[index], &inputs);
        let mut passed = Map::new();
        for (name, parameter) in &inputs {
            if children[index].parameters.iter().any(|(own, _)| own == name) {
                passed.insert((*name).to_owned(), as_text(name, parameter));
            }
        }
        for (name, target) in imports {
            // An unknown id stays a dangling reference, which a structural test reports.
            let Some(owner) =
                owners.get(&target.id).filter(|owner| children[**owner].name == NestedStack::Shared.name())
            else {
                continue;
            };
            passed.insert(name.clone(), attribute(&stack_id(children[*owner].name), &format!("Outputs.{name}")));
            let parameter = json!({ "Type": "String", "Description": described(&target) });
            children[index].parameters.push((name.clone(), parameter));
            exports[*owner].insert(name, target);
        }
        let name = children[index].name;
        let properties = json!({ "TemplateURL": format!("{DIRECTORY}/{name}.yaml"), "Parameters": passed });
        parent.add_shared(Resource::new(stack_id(name), "AWS::CloudFormation::Stack", properties));
    }

    parent.outputs = inputs::outputs();
    parent.rewrite(&mut |target| match owners.get(&target.id) {
        Some(owner) => {
            let name = link_name(&target);
            exports[*owner].insert(name.clone(), target);
            Target { id: stack_id(children[*owner].name), attribute: Some(format!("Outputs.{name}")) }
        }
        None => target,
    });
    parent.conditions = conditions(&parent);
    for (child, exports) in children.iter_mut().zip(exports) {
        child.outputs = exports.into_iter().map(|(name, target)| (name, json!({ "Value": value(&target) }))).collect();
    }
    Stacks { parent, children }
}

fn value(target: &Target) -> Value {
    match &target.attribute {
        Some(name) => attribute(&target.id, name),
        None => reference(&target.id),
    }
}

fn described(target: &Target) -> String {
    match &target.attribute {
        Some(attribute) => format!("{attribute} of {} in the shared stack.", target.id),
        None => format!("{} of the shared stack.", target.id),
    }
}

/// A parameter's value as text, because a nested stack accepts no lists.
fn as_text(name: &str, parameter: &Value) -> Value {
    if parameter["Type"] == "CommaDelimitedList" {
        json!({ "Fn::Join": [",", reference(name)] })
    } else {
        reference(name)
    }
}

/// Gives a child the inputs and conditions that it refers to, and turns its references to other stacks into parameters: those, by name.
fn import(child: &mut Template, inputs: &[(&'static str, Value)]) -> BTreeMap<String, Target> {
    child.conditions = conditions(child);
    let mut own = BTreeSet::new();
    let mut imports = BTreeMap::new();
    let ids: BTreeSet<_> = child.resources().iter().map(|resource| resource.id().to_owned()).collect();
    let mut replace = |target: Target| {
        if inputs.iter().any(|(name, _)| *name == target.id) {
            own.insert(target.id.clone());
            return target;
        }
        if ids.contains(&target.id) {
            return target;
        }
        let name = link_name(&target);
        imports.insert(name.clone(), target);
        Target { id: name, attribute: None }
    };
    child.rewrite(&mut replace);
    for (_, condition) in &child.conditions {
        drop(rewritten(condition.clone(), &mut replace));
    }
    let used = inputs.iter().filter(|(name, _)| own.contains(*name));
    child.parameters = used.map(|(name, parameter)| ((*name).to_owned(), parameter.clone())).collect();
    imports
}

/// The conditions that a template refers to.
fn conditions(template: &Template) -> Vec<(&'static str, Value)> {
    let mut used = BTreeSet::new();
    for resource in template.resources() {
        used.extend(resource.condition().map(ToOwned::to_owned));
        collect(resource.properties(), &mut used);
    }
    for (_, output) in &template.outputs {
        collect(output, &mut used);
    }
    inputs::conditions().into_iter().filter(|(name, _)| used.contains(*name)).collect()
}

fn collect(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, used)),
        Value::Object(members) => {
            if let Some(name) = members.get("Fn::If").and_then(|parts| parts[0].as_str()) {
                used.insert(name.to_owned());
            }
            members.values().for_each(|member| collect(member, used));
        }
        _ => {}
    }
}
