//! Properties of the resources in the templates: bounded deliveries, authorized routes, least privilege.

use super::expect_none;
use catalog::{Auth, Context, FUNCTIONS, Trigger};
use serde_json::Value;
use std::collections::BTreeSet;
use xtask::codegen::{
    cfn::{Resource, Template},
    cors, grants,
    names::{dead_letter_queue_id, logical},
    template::{self, Stacks},
};

/// Resources of one type, in all stacks.
fn of_kind<'a>(stacks: &'a Stacks, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
    stacks.children.iter().flat_map(Template::resources).filter(move |resource| resource.kind() == kind)
}

/// A property of a function's resource, in the function's stack.
fn property<'a>(stacks: &'a Stacks, row: &catalog::Function, id: &str, pointer: &str) -> &'a Value {
    let stack = stacks.of(template::of_function(row).name());
    let resource = stack.and_then(|stack| stack.resource(id));
    resource.and_then(|resource| resource.properties().pointer(pointer)).unwrap_or(&Value::Null)
}

fn number(stacks: &Stacks, row: &catalog::Function, id: &str, pointer: &str) -> u64 {
    property(stacks, row, id, pointer).as_u64().unwrap_or_default()
}

#[test]
fn defects_are_retried_for_seven_hours_and_dead_lettered_before_a_day_is_over() {
    let tried = edge::queue::retry_window_seconds(edge::MAX_DEFECT_ATTEMPTS);
    assert!((7 * 3_600..24 * 3_600).contains(&tried), "{tried} seconds");
}

/// A function that dies at start sets no backoff.
#[test]
fn a_day_in_which_no_function_starts_dead_letters_nothing() {
    const DAY_S: u64 = 24 * 3_600;
    let stacks = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.has_queue()) {
        let queue = logical(row.name, "Queue");
        let of_queue = |pointer| number(&stacks, row, &queue, pointer);
        let survived = of_queue("/VisibilityTimeout") * of_queue("/RedrivePolicy/maxReceiveCount");
        if !(DAY_S..of_queue("/MessageRetentionPeriod")).contains(&survived) {
            complaints.push(format!("{queue} delivers its messages for {survived} s"));
        }
    }
    expect_none(&complaints, "see catalog::MAX_RECEIVES and Function::visibility_s");
}

#[test]
fn queues_meet_the_limits_for_visibility_redrive_and_retention() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.has_queue()) {
        let (queue, dead) = (logical(row.name, "Queue"), dead_letter_queue_id(row.name));
        let timeout = number(&stacks, row, &logical(row.name, "Function"), "/Timeout");
        if number(&stacks, row, &queue, "/VisibilityTimeout") < 6 * timeout {
            complaints.push(format!("{queue} has a visibility timeout below six function timeouts"));
        }
        if number(&stacks, row, &queue, "/RedrivePolicy/maxReceiveCount") < 5 {
            complaints.push(format!("{queue} has a maxReceiveCount below 5"));
        }
        if number(&stacks, row, &dead, "/MessageRetentionPeriod")
            <= number(&stacks, row, &queue, "/MessageRetentionPeriod")
        {
            complaints.push(format!("{dead} retains messages no longer than its source"));
        }
        let limit = number(&stacks, row, &logical(row.name, "Mapping"), "/ScalingConfig/MaximumConcurrency");
        if limit < 2 {
            complaints.push(format!("the mapping of {} has no MaximumConcurrency, or one below 2", row.name));
        }
    }
    expect_none(&complaints, "see Function::visibility_s and codegen/template/messaging.rs");
}

/// Lambda takes a batch above ten from a queue only with a window; who advances an order has none.
#[test]
fn windows_are_within_the_limits_of_lambda_and_no_order_waits_for_one() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.has_queue()) {
        let mapping = logical(row.name, "Mapping");
        let size = number(&stacks, row, &mapping, "/BatchSize");
        let window = number(&stacks, row, &mapping, "/MaximumBatchingWindowInSeconds");
        if window > 300 || (size > 10 && window == 0) || !(1..=10_000).contains(&size) {
            complaints.push(format!("{}: {size} messages in {window} s", row.name));
        }
        if window > 0 && matches!(row.context, Context::Orders | Context::Payments) {
            complaints.push(format!("{} advances orders, and waits {window} s", row.name));
        }
        // In the inventory's context only the alert about low stock waits.
        if window > 0 && row.context == Context::Inventory && row.name != catalog::STOCK_ALERT.name {
            complaints.push(format!("{} reserves or releases stock, and waits {window} s", row.name));
        }
    }
    expect_none(&complaints, "see Function::batched: a batch above ten needs a window, of 300 s at most");
}

#[test]
fn event_source_mappings_are_bounded_and_report_each_record() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for mapping in of_kind(&stacks, "AWS::Lambda::EventSourceMapping") {
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
    let stacks = template::build();
    let mut complaints = Vec::new();
    for rule in of_kind(&stacks, "AWS::Events::Rule") {
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
    let stacks = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.has_queue()) {
        let queues = property(&stacks, row, "QueuePolicy", "/Queues").as_array().cloned().unwrap_or_default();
        let id = logical(row.name, "Queue");
        if !queues.iter().any(|queue| queue["Ref"] == id.as_str()) {
            complaints.push(format!("{id} does not accept messages of rules and topics"));
        }
    }
    expect_none(&complaints, "see codegen/template/messaging.rs");
}

#[test]
fn api_gateway_may_invoke_each_function_with_a_route_and_no_other() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for stack in &stacks.children {
        let role = stack.resource("ApiRole").map_or(String::new(), |role| role.properties().to_string());
        for row in FUNCTIONS {
            let is_invoked = row.is_http() || matches!(row.trigger, Trigger::Authorizer);
            let wanted = is_invoked && template::of_function(row).name() == stack.name;
            if role.contains(&format!("${{Stage}}-{}\"", row.name)) != wanted {
                complaints.push(format!("the role of the API in the stack {} is wrong about {}", stack.name, row.name));
            }
        }
    }
    expect_none(&complaints, "see codegen/template/api.rs");
}

#[test]
fn every_route_uses_the_authorizer_unless_it_is_public() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let auth = match row.trigger {
            Trigger::Http { auth, .. } => auth,
            Trigger::DefaultRoute => Auth::Public,
            _ => continue,
        };
        let id = logical(row.name, "Route");
        let wanted = if auth == Auth::Public { "NONE" } else { "CUSTOM" };
        if property(&stacks, row, &id, "/AuthorizationType").as_str() != Some(wanted) {
            complaints.push(format!("{id} has an AuthorizationType other than {wanted}"));
        }
        let has_authorizer = property(&stacks, row, &id, "/AuthorizerId").is_object();
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
    let stacks = template::build();
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let statements = property(&stacks, row, &logical(row.name, "Role"), "/Policies/0/PolicyDocument/Statement");
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

/// The names of what the members `key` anywhere in `value` have, except in examples.
fn names_below(value: &Value, key: &str, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(named) = members.get(key).and_then(Value::as_object) {
                names.extend(named.keys().map(|name| name.to_lowercase()));
            }
            for (_, member) in members.iter().filter(|(name, _)| *name != "example") {
                names_below(member, key, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names_below(item, key, names)),
        _ => {}
    }
}

#[test]
fn pages_of_other_origins_may_send_and_read_every_header_of_the_contract() {
    let document = std::fs::read_to_string(xtask::root().join("docs/openapi.json")).expect("the document");
    let document: Value = serde_json::from_str(&document).expect("it is JSON");
    let mut read = BTreeSet::new();
    names_below(&document["paths"], "headers", &mut read);
    assert!(read.contains("ratelimit"), "{read:?}");
    // No page may read it: browsers hide it.
    read.remove("set-cookie");
    let hidden: Vec<_> = read.iter().filter(|name| !cors::EXPOSED_HEADERS.contains(&name.as_str())).cloned().collect();
    expect_none(&hidden, "add the header to EXPOSED_HEADERS in codegen/cors.rs");
    let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let operations = operations.filter_map(Value::as_object).flat_map(|path| path.values());
    let parameters = operations.filter_map(|operation| operation["parameters"].as_array()).flatten();
    let sent = parameters.filter(|parameter| parameter["in"] == "header").filter_map(|header| header["name"].as_str());
    let sent: BTreeSet<_> = sent.map(str::to_lowercase).collect();
    assert!(sent.contains("idempotency-key"), "{sent:?}");
    let refused: Vec<_> = sent.into_iter().filter(|name| !cors::ALLOWED_HEADERS.contains(&name.as_str())).collect();
    expect_none(&refused, "add the header to ALLOWED_HEADERS in codegen/cors.rs");
}
