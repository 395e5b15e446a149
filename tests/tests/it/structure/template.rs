//! Properties of `template.yaml`: bounded deliveries, least privilege, no dangling references, room for planned functions.

use super::expect_none;
use catalog::{Auth, FUNCTIONS, Trigger};
use serde_json::Value;
use std::collections::BTreeSet;
use xtask::codegen::{
    cfn::{Resource, Template},
    grants,
    names::{dead_letter_queue_id, logical},
    template, topology,
};

/// Resources of one type.
fn of_kind<'a>(template: &'a Template, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
    template.resources().iter().filter(move |resource| resource.kind() == kind)
}

fn property<'a>(template: &'a Template, id: &str, pointer: &str) -> &'a Value {
    let resource = template.resources().iter().find(|resource| resource.id() == id);
    resource.and_then(|resource| resource.properties().pointer(pointer)).unwrap_or(&Value::Null)
}

fn number(template: &Template, id: &str, pointer: &str) -> u64 {
    property(template, id, pointer).as_u64().unwrap_or_default()
}

#[test]
fn planned_product_fits_into_one_cloudformation_stack() {
    let template = template::build();
    let projected = topology::projected_resources(&template);
    assert!(
        projected <= template::RESOURCE_LIMIT,
        "{projected} resources are planned, and a stack takes {}: share resources, or nest stacks",
        template::RESOURCE_LIMIT
    );
}

#[test]
fn message_retries_outlast_six_hours_and_end_before_the_retention_period() {
    let tried = edge::queue::retry_window_seconds(catalog::MAX_RECEIVES);
    assert!((6 * 3_600..3 * 24 * 3_600).contains(&tried), "{tried} seconds");
}

#[test]
fn logical_ids_are_unique() {
    let template = template::build();
    let mut seen = BTreeSet::new();
    let twice = template.resources().iter().map(Resource::id).filter(|id| !seen.insert(*id));
    let complaints: Vec<_> = twice.map(|id| format!("{id} exists twice")).collect();
    expect_none(&complaints, "names in the catalog must differ in more than dashes");
}

#[test]
fn every_template_reference_resolves() {
    let template = template::build();
    let known: BTreeSet<_> = template.resources().iter().map(Resource::id).collect();
    let known: BTreeSet<_> = template.parameters.iter().map(|(name, _)| *name).chain(known).collect();
    let conditions: BTreeSet<_> = template.conditions.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for resource in template.resources() {
        references(resource.properties(), &mut found);
    }
    for (_, output) in &template.outputs {
        references(output, &mut found);
    }
    let is_dangling = |reference: &&Reference| match reference {
        Reference::Value(name) => !name.starts_with("AWS::") && !known.contains(name.as_str()),
        Reference::Condition(name) => !conditions.contains(name.as_str()),
    };
    let complaints: Vec<_> = found.iter().filter(is_dangling).map(|one| format!("{one:?} does not exist")).collect();
    expect_none(&complaints, "correct scripts/xtask/src/codegen: the emulator does not report this");
}

#[derive(Debug)]
enum Reference {
    Value(String),
    Condition(String),
}

fn references(value: &Value, found: &mut Vec<Reference>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            for (key, member) in members {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                match key.as_str() {
                    "Ref" => found.push(Reference::Value(text(member))),
                    "Fn::GetAtt" => found.push(Reference::Value(text(&member[0]))),
                    "Fn::If" => found.push(Reference::Condition(text(&member[0]))),
                    "Fn::Sub" => found.extend(substituted(&text(member)).map(|name| Reference::Value(name.to_owned()))),
                    _ => {}
                }
                references(member, found);
            }
        }
        _ => {}
    }
}

/// Names in `${…}`, without attributes.
fn substituted(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|part| part.split(['}', '.']).next())
}

#[test]
fn queues_meet_the_limits_for_visibility_redrive_and_retention() {
    let template = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.has_queue()) {
        let (queue, dead) = (logical(row.name, "Queue"), dead_letter_queue_id(row.name));
        let timeout = number(&template, &logical(row.name, "Function"), "/Timeout");
        if number(&template, &queue, "/VisibilityTimeout") < 6 * timeout {
            complaints.push(format!("{queue} has a visibility timeout below six function timeouts"));
        }
        if number(&template, &queue, "/RedrivePolicy/maxReceiveCount") < 5 {
            complaints.push(format!("{queue} has a maxReceiveCount below 5"));
        }
        if number(&template, &dead, "/MessageRetentionPeriod") <= number(&template, &queue, "/MessageRetentionPeriod") {
            complaints.push(format!("{dead} retains messages no longer than its source"));
        }
        let limit = number(&template, &logical(row.name, "Mapping"), "/ScalingConfig/MaximumConcurrency");
        if limit < 2 {
            complaints.push(format!("the mapping of {} has no MaximumConcurrency, or one below 2", row.name));
        }
    }
    expect_none(&complaints, "see Function::visibility_s and codegen/template/messaging.rs");
}

#[test]
fn event_source_mappings_are_bounded_and_report_each_record() {
    let template = template::build();
    let mut complaints = Vec::new();
    for mapping in of_kind(&template, "AWS::Lambda::EventSourceMapping") {
        let has = |pointer: &str| mapping.properties().pointer(pointer).is_some();
        let is_kafka = has("/Topics");
        let is_stream = has("/StartingPosition") && !is_kafka;
        if !is_kafka && !has("/FunctionResponseTypes") {
            complaints.push(format!("{} does not report batch item failures", mapping.id()));
        }
        if is_stream && !(has("/MaximumRetryAttempts") && has("/MaximumRecordAgeInSeconds")) {
            complaints.push(format!("{} retries without a limit", mapping.id()));
        }
        if (is_stream || is_kafka) && !has("/DestinationConfig/OnFailure/Destination") {
            complaints.push(format!("{} has no destination for failures", mapping.id()));
        }
    }
    expect_none(&complaints, "see codegen/template/streams.rs");
}

#[test]
fn event_rules_have_a_retry_limit_and_a_dead_letter_queue() {
    let template = template::build();
    let mut complaints = Vec::new();
    for rule in of_kind(&template, "AWS::Events::Rule") {
        for target in rule.properties()["Targets"].as_array().into_iter().flatten() {
            let has = |pointer: &str| target.pointer(pointer).is_some();
            let is_bounded = has("/RetryPolicy/MaximumRetryAttempts") && has("/RetryPolicy/MaximumEventAgeInSeconds");
            if !(is_bounded && has("/DeadLetterConfig/Arn")) {
                complaints.push(format!("{} can lose an event without a dead letter", rule.id()));
            }
        }
    }
    expect_none(&complaints, "see codegen/template/messaging.rs");
}

#[test]
fn queue_policy_covers_every_queue_filled_by_rules_and_topics() {
    let template = template::build();
    let queues = property(&template, "QueuePolicy", "/Queues").as_array().cloned().unwrap_or_default();
    let covered: Vec<_> = queues.iter().filter_map(|queue| queue["Ref"].as_str()).collect();
    let filled = FUNCTIONS.iter().filter(|row| row.has_queue()).map(|row| logical(row.name, "Queue"));
    let missing = filled.filter(|id| !covered.contains(&id.as_str()));
    let complaints: Vec<_> = missing.map(|id| format!("{id} does not accept messages of rules and topics")).collect();
    expect_none(&complaints, "see codegen/template/messaging.rs");
}

#[test]
fn every_route_uses_the_authorizer_unless_it_is_public() {
    let template = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let auth = match row.trigger {
            Trigger::Http { auth, .. } => auth,
            Trigger::DefaultRoute => Auth::Public,
            _ => continue,
        };
        let id = logical(row.name, "Route");
        let wanted = if auth == Auth::Public { "NONE" } else { "CUSTOM" };
        if property(&template, &id, "/AuthorizationType").as_str() != Some(wanted) {
            complaints.push(format!("{id} has an AuthorizationType other than {wanted}"));
        }
        let has_authorizer = property(&template, &id, "/AuthorizerId").is_object();
        if has_authorizer != (auth != Auth::Public) {
            complaints.push(format!("{id} has an authorizer although it is public, or has none"));
        }
        if row.timeout_s >= 30 {
            complaints.push(format!("{} may run as long as API Gateway waits, 30 s", row.name));
        }
    }
    expect_none(&complaints, "see codegen/template/api.rs and the timeout of the row");
}

#[test]
fn wildcard_permissions_have_a_recorded_reason() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        for (index, grant) in grants::of(row).iter().enumerate() {
            complaints.extend(
                grant
                    .actions
                    .iter()
                    .filter(|action| action.contains('*'))
                    .map(|action| format!("{}: {action}", row.name)),
            );
            let statement = grant.in_template(index).to_string();
            let is_open = statement.contains(r#""Resource":"*""#);
            if is_open && grant.target.wildcard_reason().is_none() {
                complaints.push(format!("{}: {} on every resource", row.name, grant.sid));
            }
        }
    }
    expect_none(
        &complaints,
        "name the resource; if IAM cannot restrict the action, add a reason to Target::wildcard_reason",
    );
}

#[test]
fn every_role_has_exactly_the_grants_of_its_row() {
    let template = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let statements = property(&template, &logical(row.name, "Role"), "/Policies/0/PolicyDocument/Statement");
        let found = statements.as_array().map_or(0, Vec::len);
        if found != grants::of(row).len() {
            complaints.push(format!("{} has {found} statements", row.name));
        }
    }
    expect_none(&complaints, "grant permissions by a use or a trigger in the row");
}

#[test]
fn physical_names_fit_the_aws_limits() {
    // A stage has at most 12 characters, function and rule names have 64, queue names 80.
    let longest = |name: &str| catalog::PREFIX.len() + 1 + 12 + 1 + name.len();
    let too_long = FUNCTIONS.iter().filter(|row| longest(row.name) > 64);
    let complaints: Vec<_> = too_long.map(|row| format!("the name {} is too long", row.name)).collect();
    expect_none(&complaints, "shorten the name");
}
