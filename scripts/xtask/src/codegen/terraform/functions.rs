//! The row of a function: trigger, event source mappings, environment and permissions.

use super::{
    all_events_pattern, limits,
    names::{RELAYED_CHANGES, consumer_group},
};
use crate::codegen::{
    environment, grants,
    template::{event_pattern, of_function},
};
use catalog::{Auth, Event, Function, Trigger, Uses};
use serde_json::{Map, Value, json};

pub(super) fn row(function: &Function) -> Value {
    let variables: Map<_, _> = environment::of(function)
        .into_iter()
        .map(|(name, setting)| (name.to_owned(), setting.in_terraform()))
        .collect();
    let grants: Vec<_> = grants::of(function).iter().map(grants::Grant::in_terraform).collect();
    // A queue's mapping has its own limit.
    let is_called = function.is_http() || matches!(function.trigger, Trigger::Authorizer);
    json!({
        "context": function.context.name(),
        "stack": of_function(function).name(),
        "artifact": format!("target/lambda/{}/bootstrap.zip", function.name),
        "trigger": trigger(function),
        "mappings": mappings(function),
        "memory_mb": function.memory_mb,
        "timeout_s": function.timeout_s,
        "concurrency": function.concurrency,
        "reserved_concurrency": is_called.then_some(function.concurrency),
        "provisioned_concurrency": function.provisioned,
        "visibility_s": function.has_queue().then(|| function.visibility_s()),
        "has_queue": function.has_queue(),
        "has_dead_letter_queue": function.has_dead_letter_queue(),
        "needs_network": grants::needs_network(function),
        "uses_database": function.database_role().is_some()
            || function.resources().any(|uses| matches!(uses, Uses::PostgresOwner)),
        "publishes": event_names(function.publishes),
        "consumes": event_names(function.consumes()),
        "environment": variables,
        "grants": grants,
    })
}

fn trigger(function: &Function) -> Value {
    match function.trigger {
        Trigger::Http { method, path, auth, idempotency } => json!({
            "kind": "http",
            "route": format!("{} {path}", method.name()),
            "public": auth == Auth::Public,
            "roles": auth.roles(),
            "idempotency_key": idempotency.name(),
            "throttle": limits::throttle_class(function),
            "timeout_ms": limits::integration_ms(function.timeout_s),
        }),
        Trigger::DefaultRoute => json!({
            "kind": "http",
            "route": "$default",
            "public": true,
            "roles": [],
            "throttle": limits::throttle_class(function),
            "timeout_ms": limits::integration_ms(function.timeout_s),
        }),
        Trigger::Bus(events) => json!({ "kind": "bus", "pattern": event_pattern(events) }),
        Trigger::AllEvents => json!({ "kind": "all_events", "pattern": all_events_pattern() }),
        Trigger::Fanout(topic, events) => {
            json!({ "kind": "fanout", "topic": topic.name, "filter": event_names(events) })
        }
        Trigger::ExternalTopic(topic) => json!({ "kind": "external_topic", "topic": topic.name }),
        Trigger::Stream(stream, _) => json!({ "kind": "stream", "stream": stream.name }),
        Trigger::TableChanges(table) => json!({ "kind": "table_changes", "table": table.name }),
        Trigger::Objects(bucket, prefix) => json!({
            "kind": "objects",
            "bucket": bucket.name,
            "prefix": prefix,
            "invocation": limits::by_objects(),
        }),
        Trigger::Kafka(topics) => json!({
            "kind": "kafka",
            "topics": topics.iter().map(|topic| topic.name).collect::<Vec<_>>(),
        }),
        Trigger::Schedule { minutes } => json!({
            "kind": "schedule",
            "minutes": minutes,
            "expression": format!("rate({minutes} {})", if minutes == 1 { "minute" } else { "minutes" }),
            "invocation": limits::scheduled(minutes),
        }),
        Trigger::Authorizer => json!({ "kind": "authorizer" }),
        Trigger::Operator => json!({ "kind": "operator" }),
    }
}

/// The event source mappings of a function. Null means that the kind of source does not have the setting.
fn mappings(function: &Function) -> Value {
    let mapping = |source: &str, name: &str| {
        let is_queue = source == "queue";
        let is_kafka = source == "kafka";
        let is_bounded = !is_queue && !is_kafka;
        json!({
            "source": source,
            "name": name,
            "batch": function.batch.size,
            "window_s": function.batch.window_s,
            // Lambda's minimum is two.
            "maximum_concurrency": (is_queue && function.concurrency >= 2).then_some(function.concurrency),
            "concurrent": is_queue.then_some(catalog::CONCURRENT_MESSAGES),
            "reports_item_failures": !is_kafka,
            "bisects": is_bounded,
            "retries": is_bounded.then_some(limits::STREAM_RETRIES),
            "age_s": is_bounded.then_some(limits::STREAM_AGE_S),
            "consumer_group": is_kafka.then(|| consumer_group(function.name, name)),
            "filters": if source == "table_changes" { json!(RELAYED_CHANGES) } else { json!([]) },
        })
    };
    let list = match function.trigger {
        Trigger::Stream(stream, _) => vec![mapping("stream", stream.name)],
        Trigger::TableChanges(table) => vec![mapping("table_changes", table.name)],
        Trigger::Kafka(topics) => topics.iter().map(|topic| mapping("kafka", topic.name)).collect(),
        _ if function.has_queue() => vec![mapping("queue", function.name)],
        _ => Vec::new(),
    };
    Value::Array(list)
}

pub(super) fn event_names(events: &[&Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.name).collect()
}
