//! The event bus, its rules, the SNS topics, and a queue with a dead-letter queue for each consumer.

use super::{Drafts, NestedStack, inputs::tls_only, of_function, placement};
use crate::codegen::{
    cfn::{Resource, Template, arn, arn_text, attribute, only_when, reference, sub},
    names::{UNDELIVERED, dead_letter_queue, dead_letter_queue_id, logical, physical, physical_text},
};
use catalog::{Event, Function, TopicSource, Trigger};
use serde_json::{Value, json};

/// Retention of a queue in seconds.
pub const RETENTION_S: u32 = 4 * 86_400;
/// Retention of a dead-letter queue in seconds: the maximum of SQS, and longer than its source's.
pub const DEAD_RETENTION_S: u32 = 14 * 86_400;
/// Retries of an EventBridge delivery, and its maximum age. Explicit, because the defaults differ by target.
const RULE_RETRIES: u32 = 185;
const RULE_AGE_S: u32 = 86_400;

const TOPICS_KEY: &str = "TopicsKey";

pub(super) fn add_shared(drafts: &mut Drafts) {
    let template = drafts.at(NestedStack::Shared);
    template.add_shared(Resource::new("EventBus", "AWS::Events::EventBus", json!({ "Name": physical(catalog::BUS) })));
    template.add_shared(queue(UNDELIVERED, json!({ "MessageRetentionPeriod": DEAD_RETENTION_S })));
    template.add_shared(topics_key());
    for topic in catalog::TOPICS {
        add_topic(drafts.at(placement::of_topic(topic)), topic);
    }
}

pub(super) fn add(template: &mut Template, function: &Function) {
    if function.has_dead_letter_queue() {
        template.add_for(function, dead_letters(function));
    }
    if function.has_queue() {
        template.add_for(function, work_queue(function));
        template.add_for(function, mapping(function));
    }
    match function.trigger {
        Trigger::Bus(events) => {
            template.add_for(function, rule(function.name, event_pattern(events), &queue_of(function)))
        }
        Trigger::AllEvents => {
            let pattern = json!({ "source": [{ "prefix": format!("{}.", catalog::PREFIX) }] });
            template.add_for(function, rule(function.name, pattern, &queue_of(function)));
        }
        Trigger::Fanout(topic, events) => {
            template.add_for(function, subscription(function, topic, Some(events)));
        }
        Trigger::ExternalTopic(topic) => template.add_for(function, subscription(function, topic, None)),
        Trigger::Schedule { minutes } => add_schedule(template, function, minutes),
        _ => {}
    }
}

/// The EventBridge pattern that matches these events.
pub fn event_pattern(events: &[&Event]) -> Value {
    let mut sources: Vec<_> = events.iter().map(|event| event.context.source()).collect();
    sources.sort_unstable();
    sources.dedup();
    json!({ "source": sources, "detail-type": events.iter().map(|event| event.name).collect::<Vec<_>>() })
}

/// The events that a topic's subscriptions ask for, without duplicates.
pub fn topic_events(topic: &catalog::Topic) -> Vec<&'static Event> {
    let is_subscribed = |event: &&&Event| {
        catalog::FUNCTIONS.iter().any(|function| {
            matches!(function.trigger, Trigger::Fanout(from, events)
                if from.name == topic.name && events.iter().any(|wanted| wanted.name == event.name))
        })
    };
    catalog::EVENTS.iter().filter(is_subscribed).copied().collect()
}

fn queue_of(function: &Function) -> Value {
    attribute(&logical(function.name, "Queue"), "Arn")
}

fn queue(name: &str, mut properties: Value) -> Resource {
    properties["QueueName"] = physical(name);
    properties["SqsManagedSseEnabled"] = json!(true);
    Resource::new(logical(name, "Queue"), "AWS::SQS::Queue", properties)
}

fn dead_letters(function: &Function) -> Resource {
    let name = physical(&dead_letter_queue(function.name));
    let properties =
        json!({ "MessageRetentionPeriod": DEAD_RETENTION_S, "QueueName": name, "SqsManagedSseEnabled": true });
    Resource::new(dead_letter_queue_id(function.name), "AWS::SQS::Queue", properties)
}

fn work_queue(function: &Function) -> Resource {
    queue(
        function.name,
        json!({
            "MessageRetentionPeriod": RETENTION_S,
            "ReceiveMessageWaitTimeSeconds": 20,
            "RedrivePolicy": {
                "deadLetterTargetArn": attribute(&dead_letter_queue_id(function.name), "Arn"),
                "maxReceiveCount": catalog::MAX_RECEIVES,
            },
            "VisibilityTimeout": function.visibility_s(),
        }),
    )
}

fn mapping(function: &Function) -> Resource {
    let mut properties = json!({
        "BatchSize": function.batch.size,
        "EventSourceArn": queue_of(function),
        "FunctionName": reference(&logical(function.name, "Function")),
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": function.batch.window_s,
    });
    // Lambda's minimum is two.
    if function.concurrency >= 2 {
        properties["ScalingConfig"] = json!({ "MaximumConcurrency": function.concurrency });
    }
    Resource::new(logical(function.name, "Mapping"), "AWS::Lambda::EventSourceMapping", properties)
}

fn target(to: &Value) -> Value {
    json!([{
        "Id": "target",
        "Arn": to,
        "DeadLetterConfig": { "Arn": attribute(&logical(UNDELIVERED, "Queue"), "Arn") },
        "RetryPolicy": { "MaximumEventAgeInSeconds": RULE_AGE_S, "MaximumRetryAttempts": RULE_RETRIES },
    }])
}

fn rule(name: &str, pattern: Value, to: &Value) -> Resource {
    Resource::new(
        logical(name, "Rule"),
        "AWS::Events::Rule",
        json!({
            "EventBusName": reference("EventBus"),
            "EventPattern": pattern,
            "Name": physical(name),
            "Targets": target(to),
        }),
    )
}

/// The subscription of a function's queue to a topic, filtered by events if any are given.
fn subscription(function: &Function, topic: &catalog::Topic, events: Option<&[&Event]>) -> Resource {
    let mut properties = json!({
        "Endpoint": queue_of(function),
        "Protocol": "sqs",
        "RawMessageDelivery": true,
        "RedrivePolicy": { "deadLetterTargetArn": attribute(&logical(UNDELIVERED, "Queue"), "Arn") },
        "TopicArn": reference(&logical(topic.name, "Topic")),
    });
    if let Some(events) = events {
        let names: Vec<_> = events.iter().map(|event| event.name).collect();
        properties["FilterPolicy"] = json!({ "detail-type": names });
        properties["FilterPolicyScope"] = json!("MessageBody");
    }
    Resource::new(logical(function.name, "Subscription"), "AWS::SNS::Subscription", properties)
}

/// The key of the topics. The key that AWS manages for SNS does not let the bus or SES publish.
fn topics_key() -> Resource {
    let root = sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root");
    let publish = json!({
        "Sid": "Publishers",
        "Effect": "Allow",
        "Principal": { "Service": ["events.amazonaws.com", "ses.amazonaws.com"] },
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": { "StringEquals": { "aws:SourceAccount": reference("AWS::AccountId") } },
    });
    let administration = json!({
        "Sid": "Administration",
        "Effect": "Allow",
        "Principal": { "AWS": root },
        "Action": "kms:*",
        "Resource": "*",
    });
    Resource::new(
        TOPICS_KEY,
        "AWS::KMS::Key",
        json!({
            "Description": sub(&format!("{}-${{Stage}}: topics", catalog::PREFIX)),
            "EnableKeyRotation": true,
            "KeyPolicy": { "Version": "2012-10-17", "Statement": [administration, publish] },
            "PendingWindowInDays": 30,
        }),
    )
}

fn add_topic(template: &mut Template, topic: &catalog::Topic) {
    let id = logical(topic.name, "Topic");
    let properties = json!({ "KmsMasterKeyId": reference(TOPICS_KEY), "TopicName": physical(topic.name) });
    template.add_shared(Resource::new(id.clone(), "AWS::SNS::Topic", properties));
    let publisher = |sid: &str, service: &str, condition: Value| {
        json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sns:Publish",
            "Resource": reference(&id),
            "Condition": condition,
        })
    };
    let rule_arn = arn_text("events", &format!("rule/{}/{}", physical_text(catalog::BUS), physical_text(topic.name)));
    let may_publish = match topic.source {
        TopicSource::Bus => {
            publisher("Rule", "events.amazonaws.com", json!({ "ArnEquals": { "aws:SourceArn": sub(&rule_arn) } }))
        }
        TopicSource::Email => {
            let account = json!({ "StringEquals": { "aws:SourceAccount": reference("AWS::AccountId") } });
            publisher("Ses", "ses.amazonaws.com", account)
        }
    };
    let statements = json!([may_publish, only_when("OnAws", tls_only("sns:Publish", &reference(&id)))]);
    template.add_shared(Resource::new(
        format!("{id}Policy"),
        "AWS::SNS::TopicPolicy",
        json!({
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
            "Topics": [reference(&id)],
        }),
    ));
    if topic.source == TopicSource::Bus {
        template.add_shared(rule(topic.name, event_pattern(&topic_events(topic)), &reference(&id)));
    }
}

/// One policy for all queues of a stack that rules and topics fill: only this stage's rules and topics may send.
pub(super) fn add_queue_policy(template: &mut Template) {
    let filled = |function: &&&Function| function.has_queue() && of_function(function).name() == template.name;
    let consumers = catalog::FUNCTIONS.iter().filter(filled).map(|function| function.name);
    let undelivered = (template.name == NestedStack::Shared.name()).then_some(UNDELIVERED);
    let queues: Vec<_> =
        undelivered.into_iter().chain(consumers).map(|name| reference(&logical(name, "Queue"))).collect();
    if queues.is_empty() {
        return;
    }
    let everything = arn("sqs", &physical_text("*"));
    let sender = |sid: &str, service: &str, source: Value| {
        json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sqs:SendMessage",
            "Resource": everything,
            "Condition": { "ArnLike": { "aws:SourceArn": source } },
        })
    };
    let statements = json!([
        sender("Rules", "events.amazonaws.com", arn("events", &format!("rule/{}", physical_text("*")))),
        sender("Topics", "sns.amazonaws.com", arn("sns", &physical_text("*"))),
        only_when("OnAws", tls_only("sqs:*", &everything)),
    ]);
    template.add_shared(Resource::new(
        "QueuePolicy",
        "AWS::SQS::QueuePolicy",
        json!({ "PolicyDocument": { "Version": "2012-10-17", "Statement": statements }, "Queues": queues }),
    ));
}

/// One policy for the dead-letter queues of a stack, which only their functions and SQS itself send to.
pub(super) fn add_dead_letter_policy(template: &mut Template) {
    let dead =
        |function: &&&Function| function.has_dead_letter_queue() && of_function(function).name() == template.name;
    let queues: Vec<_> = catalog::FUNCTIONS
        .iter()
        .filter(dead)
        .map(|function| reference(&dead_letter_queue_id(function.name)))
        .collect();
    if queues.is_empty() {
        return;
    }
    let everything = arn("sqs", &physical_text(&dead_letter_queue("*")));
    let statements = json!([tls_only("sqs:*", &everything)]);
    let policy = Resource::new(
        "DeadLetterQueuePolicy",
        "AWS::SQS::QueuePolicy",
        json!({ "PolicyDocument": { "Version": "2012-10-17", "Statement": statements }, "Queues": queues }),
    );
    // Emulators have no TLS.
    template.add_shared(policy.only_when("OnAws"));
}

fn add_schedule(template: &mut Template, function: &Function, minutes: u32) {
    let id = logical(function.name, "Function");
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    template.add_for(
        function,
        Resource::new(
            logical(function.name, "Rule"),
            "AWS::Events::Rule",
            json!({
                "Name": physical(function.name),
                "ScheduleExpression": format!("rate({minutes} {unit})"),
                "Targets": target(&attribute(&id, "Arn")),
            }),
        ),
    );
    template.add_for(
        function,
        Resource::new(
            logical(function.name, "Permission"),
            "AWS::Lambda::Permission",
            json!({
                "Action": "lambda:InvokeFunction",
                "FunctionName": reference(&id),
                "Principal": "events.amazonaws.com",
                "SourceArn": attribute(&logical(function.name, "Rule"), "Arn"),
            }),
        ),
    );
}
