//! The nested stacks: their size, their references, and what they get from the shared stack.

use super::expect_none;
use catalog::FUNCTIONS;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use xtask::codegen::{
    cfn::{Resource, Template, rewritten},
    environment::SECRET_INPUTS,
    template::{self, MAX_RESOURCES, NestedStack, Stacks},
};

fn all(stacks: &Stacks) -> impl Iterator<Item = &Template> {
    std::iter::once(&stacks.parent).chain(&stacks.children)
}

/// The parent's resource that nests a stack, and the parameters that it passes.
fn nested(stacks: &Stacks) -> impl Iterator<Item = (&Template, &Value)> {
    stacks.children.iter().map(|stack| {
        let url = template::path(stack);
        let resource = stacks.parent.resources().iter().find(|one| one.properties()["TemplateURL"] == url.as_str());
        (stack, &resource.unwrap_or_else(|| panic!("{url} is not nested")).properties()["Parameters"])
    })
}

#[test]
fn every_stack_has_room_for_twice_its_functions() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for stack in &stacks.children {
        let owned = stack.resources().iter().filter(|resource| resource.owner().is_some()).count();
        let twice = stack.resources().len() + owned;
        if twice > MAX_RESOURCES {
            complaints.push(format!("{} would have {twice} resources with twice its functions", stack.name));
        }
    }
    expect_none(&complaints, "split the context in shared/catalog before it is urgent");
}

#[test]
fn generator_refuses_a_stack_with_more_than_450_resources() {
    let stack_of = |count: usize| {
        let mut stack = Template::new("orders", String::new());
        for number in 0..count {
            stack.add_shared(Resource::new(format!("Queue{number}"), "AWS::SQS::Queue", json!({})));
        }
        stack
    };
    assert_eq!(template::check(&stack_of(450)), Ok(()));
    let refused = template::check(&stack_of(451)).expect_err("too many");
    assert!(refused.contains("the stack of orders has 451 resources"), "{refused}");
    assert!(refused.contains("split the context"), "{refused}");
}

#[test]
fn each_function_is_in_the_stack_of_its_context_or_in_the_shared_one() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let has_it = |stack: &&Template| {
            let names = |one: &Resource| {
                one.properties()["FunctionName"]["Fn::Sub"] == format!("quayside-${{Stage}}-{}", row.name)
            };
            stack.resources().iter().any(|one| one.kind() == "AWS::Lambda::Function" && names(one))
        };
        let found: Vec<_> = stacks.children.iter().filter(has_it).map(|stack| stack.name).collect();
        if found != [row.context.name()] && found != [NestedStack::Shared.name()] {
            complaints.push(format!("{} is in {found:?}", row.name));
        }
    }
    expect_none(&complaints, "see codegen/template/placement.rs");
}

#[test]
fn logical_ids_are_unique_within_a_stack() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for stack in all(&stacks) {
        let mut seen: BTreeSet<_> = stack.parameters.iter().map(|(name, _)| name.as_str()).collect();
        let twice = stack.resources().iter().map(Resource::id).filter(|id| !seen.insert(*id));
        complaints.extend(twice.map(|id| format!("{id} exists twice in {}", stack.name)));
    }
    expect_none(&complaints, "names in the catalog must differ in more than dashes");
}

#[test]
fn every_template_reference_resolves() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for stack in all(&stacks) {
        let resources: BTreeMap<_, _> = stack.resources().iter().map(|one| (one.id(), one)).collect();
        let mut check = |value: &Value| {
            drop(rewritten(value.clone(), &mut |target| {
                let is_parameter =
                    target.attribute.is_none() && stack.parameters.iter().any(|(name, _)| *name == target.id);
                if !(is_parameter || resources.contains_key(target.id.as_str())) {
                    complaints.push(format!("{target:?} in the stack {:?} does not exist", stack.name));
                }
                target
            }));
        };
        stack.resources().iter().for_each(|resource| check(resource.properties()));
        stack.outputs.iter().for_each(|(_, output)| check(output));
        stack.conditions.iter().for_each(|(_, condition)| check(condition));
        let used =
            stack.resources().iter().flat_map(|one| one.condition().into_iter().chain(conditions(one.properties())));
        for name in used.chain(stack.outputs.iter().flat_map(|(_, output)| conditions(output))) {
            if !stack.conditions.iter().any(|(known, _)| *known == name) {
                complaints.push(format!("the condition {name} does not exist in the stack {:?}", stack.name));
            }
        }
    }
    expect_none(&complaints, "correct scripts/xtask/src/codegen: the emulator does not report this");
}

/// Conditions in `Fn::If`.
fn conditions(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().flat_map(conditions).collect(),
        Value::Object(members) => {
            let own = members.get("Fn::If").and_then(|parts| parts[0].as_str());
            own.into_iter().chain(members.values().flat_map(conditions)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn parent_passes_each_stack_exactly_its_parameters() {
    let stacks = template::build();
    for (stack, passed) in nested(&stacks) {
        let wanted: BTreeSet<_> = stack.parameters.iter().map(|(name, _)| name.as_str()).collect();
        let passed: BTreeSet<_> = passed.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert_eq!(passed, wanted, "{}", stack.name);
    }
}

#[test]
fn stacks_of_contexts_depend_on_the_shared_stack_alone() {
    let stacks = template::build();
    let shared = stacks.of(NestedStack::Shared.name()).expect("a shared stack");
    let mut complaints = Vec::new();
    for (stack, passed) in nested(&stacks) {
        drop(rewritten(passed.clone(), &mut |target| {
            let Some(output) = &target.attribute else { return target };
            let exists = shared.outputs.iter().any(|(name, _)| output.strip_prefix("Outputs.") == Some(name));
            if target.id != "SharedStack" || stack.name == shared.name || !exists {
                complaints.push(format!("{} gets {target:?}", stack.name));
            }
            target
        }));
    }
    expect_none(&complaints, "place what several contexts refer to in the shared stack: codegen/template/placement.rs");
}

#[test]
fn secret_parameters_are_not_shown_by_any_stack() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for stack in all(&stacks) {
        let open = stack
            .parameters
            .iter()
            .filter(|(name, parameter)| SECRET_INPUTS.contains(&name.as_str()) && parameter["NoEcho"] != true);
        complaints.extend(open.map(|(name, _)| format!("{name} of the stack {:?}", stack.name)));
    }
    expect_none(&complaints, "see codegen/template/inputs.rs");
}
