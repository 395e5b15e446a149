//! A function with its role and its log group.

use super::inputs::{LOG_DAYS, in_production, network};
use crate::codegen::{
    cfn::{Resource, Template, attribute, reference, sub},
    environment, grants,
    names::{logical, physical, physical_text},
};
use catalog::{Function, Trigger};
use serde_json::{Map, Value, json};

pub(super) fn add(template: &mut Template, function: &Function) {
    template.add_for(function, log_group(function));
    template.add_for(function, role(function));
    template.add_for(function, resource(function));
}

fn resource(function: &Function) -> Resource {
    let mut variables: Map<String, Value> =
        environment::of(function).into_iter().map(|(name, setting)| (name.to_owned(), setting.in_template())).collect();
    variables.extend([
        ("LOG_LEVEL".to_owned(), reference("LogLevel")),
        ("POWERTOOLS_METRICS_NAMESPACE".to_owned(), json!(catalog::PREFIX)),
        ("POWERTOOLS_SERVICE_NAME".to_owned(), json!(function.context.name())),
        ("STAGE".to_owned(), reference("Stage")),
        ("TRACE_SHARE".to_owned(), reference("TraceShare")),
    ]);
    let mut properties = json!({
        "Architectures": [reference("Architecture")],
        // `sam deploy` uploads it and replaces the path, which is relative to the template.
        "Code": format!("../target/lambda/{}/bootstrap.zip", function.name),
        "Environment": { "Variables": variables },
        "FunctionName": physical(function.name),
        "Handler": "bootstrap",
        "MemorySize": function.memory_mb,
        "Role": attribute(&logical(function.name, "Role"), "Arn"),
        "Runtime": "provided.al2023",
        "Timeout": function.timeout_s,
        // Lambda samples what it cannot be told to: `Active` would record most requests of a quiet shop. Spans are in the log lines.
        "TracingConfig": { "Mode": "PassThrough" },
    });
    if grants::needs_network(function) {
        properties["VpcConfig"] = network();
    }
    // Queue mappings have their own limit. Reserved only in production, because new accounts have too little concurrency.
    if function.is_http() || matches!(function.trigger, Trigger::Authorizer) {
        properties["ReservedConcurrentExecutions"] =
            in_production(json!(function.concurrency), reference("AWS::NoValue"));
    }
    Resource::new(logical(function.name, "Function"), "AWS::Lambda::Function", properties)
}

fn role(function: &Function) -> Resource {
    let statements: Vec<_> =
        grants::of(function).iter().enumerate().map(|(number, grant)| grant.in_template(number)).collect();
    Resource::new(
        logical(function.name, "Role"),
        "AWS::IAM::Role",
        json!({
            "AssumeRolePolicyDocument": assumed_by("lambda.amazonaws.com"),
            "Policies": [{
                "PolicyName": "least-privilege",
                "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
            }],
        }),
    )
}

fn log_group(function: &Function) -> Resource {
    Resource::new(
        logical(function.name, "LogGroup"),
        "AWS::Logs::LogGroup",
        json!({
            "LogGroupName": sub(&format!("/aws/lambda/{}", physical_text(function.name))),
            "RetentionInDays": LOG_DAYS,
        }),
    )
}

/// The trust policy of a role that one AWS service assumes.
pub(super) fn assumed_by(service: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" }],
    })
}
