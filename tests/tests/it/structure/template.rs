//! What `template.yaml` promises: bounded deliveries, least privilege, no dangling reference, room to grow.

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
fn the_whole_product_will_fit_into_one_stack() {
    let template = template::build();
    let projected = topology::projected_resources(&template);
    assert!(
        projected <= template::RESOURCE_LIMIT,
        "{projected} resources are projected for the whole product, and a stack takes {}: share more, or nest stacks",
        template::RESOURCE_LIMIT
    );
}

#[test]
fn a_message_is_tried_through_an_evenings_outage_and_not_longer_than_its_queue_keeps_it() {
    let tried = edge::queue::retry_window_seconds(catalog::MAX_RECEIVES);
    assert!((6 * 3_600..3 * 24 * 3_600).contains(&tried), "{tried} seconds");
}

#[test]
fn logical_ids_are_unique() {
    let template = template::build();
    let mut seen = BTreeSet::new();
    let twice = template.resources().iter().map(Resource::id).filter(|id| !seen.insert(*id));
    let complaints: Vec<_> = twice.map(|id| format!("{id} is there twice")).collect();
    expect_none(&complaints, "names in the catalog must differ by more than dashes");
}

#[test]
fn every_reference_has_something_at_its_end() {
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
    let is_dangling = |end: &&End| match end {
        End::Value(name) => !name.starts_with("AWS::") && !known.contains(name.as_str()),
        End::Condition(name) => !conditions.contains(name.as_str()),
    };
    let complaints: Vec<_> = found.iter().filter(is_dangling).map(|end| format!("{end:?} is not there")).collect();
    expect_none(&complaints, "mend scripts/xtask/src/codegen: neither the emulator nor a review finds this");
}

#[derive(Debug)]
enum End {
    Value(String),
    Condition(String),
}

fn references(value: &Value, found: &mut Vec<End>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            for (key, member) in members {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                match key.as_str() {
                    "Ref" => found.push(End::Value(text(member))),
                    "Fn::GetAtt" => found.push(End::Value(text(&member[0]))),
                    "Fn::If" => found.push(End::Condition(text(&member[0]))),
                    "Fn::Sub" => found.extend(substituted(&text(member)).map(|name| End::Value(name.to_owned()))),
                    _ => {}
                }
                references(member, found);
            }
        }
        _ => {}
    }
}

/// What stands in `${…}`, without the attribute.
fn substituted(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|part| part.split(['}', '.']).next())
}

#[test]
fn a_message_stays_hidden_for_six_timeouts_and_dies_into_a_longer_life() {
    let template = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.has_queue()) {
        let (queue, dead) = (logical(row.name, "Queue"), dead_letter_queue_id(row.name));
        let timeout = number(&template, &logical(row.name, "Function"), "/Timeout");
        if number(&template, &queue, "/VisibilityTimeout") < 6 * timeout {
            complaints.push(format!("{queue} shows a message again within six timeouts"));
        }
        if number(&template, &queue, "/RedrivePolicy/maxReceiveCount") < 5 {
            complaints.push(format!("{queue} gives up before the fifth delivery"));
        }
        if number(&template, &dead, "/MessageRetentionPeriod") <= number(&template, &queue, "/MessageRetentionPeriod") {
            complaints.push(format!("{dead} keeps a message no longer than its source"));
        }
        let limit = number(&template, &logical(row.name, "Mapping"), "/ScalingConfig/MaximumConcurrency");
        if limit < 2 {
            complaints.push(format!("the mapping of {} has no limit, or one that Lambda refuses", row.name));
        }
    }
    expect_none(&complaints, "see Function::visibility_s and codegen/template/messaging.rs");
}

#[test]
fn every_mapping_is_bounded_and_reports_each_record() {
    let template = template::build();
    let mut complaints = Vec::new();
    for mapping in of_kind(&template, "AWS::Lambda::EventSourceMapping") {
        let has = |pointer: &str| mapping.properties().pointer(pointer).is_some();
        let is_kafka = has("/Topics");
        let is_stream = has("/StartingPosition") && !is_kafka;
        if !is_kafka && !has("/FunctionResponseTypes") {
            complaints.push(format!("{} does not report failures by record", mapping.id()));
        }
        if is_stream && !(has("/MaximumRetryAttempts") && has("/MaximumRecordAgeInSeconds")) {
            complaints.push(format!("{} retries for ever", mapping.id()));
        }
        if (is_stream || is_kafka) && !has("/DestinationConfig/OnFailure/Destination") {
            complaints.push(format!("{} has nowhere to fail to", mapping.id()));
        }
    }
    expect_none(&complaints, "see codegen/template/streams.rs");
}

#[test]
fn every_rule_says_when_it_gives_up_and_where_to() {
    let template = template::build();
    let mut complaints = Vec::new();
    for rule in of_kind(&template, "AWS::Events::Rule") {
        for target in rule.properties()["Targets"].as_array().into_iter().flatten() {
            let has = |pointer: &str| target.pointer(pointer).is_some();
            let is_bounded = has("/RetryPolicy/MaximumRetryAttempts") && has("/RetryPolicy/MaximumEventAgeInSeconds");
            if !(is_bounded && has("/DeadLetterConfig/Arn")) {
                complaints.push(format!("{} may lose an event in silence", rule.id()));
            }
        }
    }
    expect_none(&complaints, "see codegen/template/messaging.rs");
}

#[test]
fn the_shared_queue_policy_covers_every_queue_that_is_filled_from_outside() {
    let template = template::build();
    let queues = property(&template, "QueuePolicy", "/Queues").as_array().cloned().unwrap_or_default();
    let covered: Vec<_> = queues.iter().filter_map(|queue| queue["Ref"].as_str()).collect();
    let filled = FUNCTIONS.iter().filter(|row| row.has_queue()).map(|row| logical(row.name, "Queue"));
    let missing = filled.filter(|id| !covered.contains(&id.as_str()));
    let complaints: Vec<_> = missing.map(|id| format!("{id} takes nothing from rules and topics")).collect();
    expect_none(&complaints, "see codegen/template/messaging.rs");
}

#[test]
fn a_route_asks_the_authorizer_unless_it_is_public() {
    let template = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let Trigger::Http { auth, .. } = row.trigger else { continue };
        let id = logical(row.name, "Route");
        let wanted = if auth == Auth::Public { "NONE" } else { "CUSTOM" };
        if property(&template, &id, "/AuthorizationType").as_str() != Some(wanted) {
            complaints.push(format!("{id} is not {wanted}"));
        }
        let has_authorizer = property(&template, &id, "/AuthorizerId").is_object();
        if has_authorizer != (auth != Auth::Public) {
            complaints.push(format!("{id} and its authorizer disagree"));
        }
        if row.timeout_s >= 30 {
            complaints.push(format!("{}: API Gateway hangs up after 30 s, before the function ends", row.name));
        }
    }
    expect_none(&complaints, "see codegen/template/api.rs and the timeout of the row");
}

#[test]
fn a_function_may_do_nothing_by_wildcard_without_a_reason() {
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
                complaints.push(format!("{}: {} on everything", row.name, grant.sid));
            }
        }
    }
    expect_none(&complaints, "name the resource; what IAM cannot narrow down gets a reason in Target::wildcard_reason");
}

#[test]
fn no_role_holds_more_than_its_row_asks_for() {
    let template = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let statements = property(&template, &logical(row.name, "Role"), "/Policies/0/PolicyDocument/Statement");
        let found = statements.as_array().map_or(0, Vec::len);
        if found != grants::of(row).len() {
            complaints.push(format!("{} has {found} statements", row.name));
        }
    }
    expect_none(&complaints, "a permission comes from a use or a trigger in the row");
}

#[test]
fn physical_names_fit_what_aws_allows() {
    // Stages have at most twelve characters, function and rule names 64, queue names 80.
    let longest = |name: &str| catalog::PREFIX.len() + 1 + 12 + 1 + name.len();
    let too_long = FUNCTIONS.iter().filter(|row| longest(row.name) > 64);
    let complaints: Vec<_> = too_long.map(|row| format!("{} is too long a name", row.name)).collect();
    expect_none(&complaints, "shorten it");
}
