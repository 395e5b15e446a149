//! The HTTP API, as explicit resources: SAM's resource puts routes into an OpenAPI body, which emulators do not read.

use super::{Drafts, NestedStack, functions::assumed_by, inputs::LOG_DAYS, of_function};
use crate::codegen::{
    cfn::{Resource, Template, attribute, only_when, reference, sub},
    cors,
    grants::function_arn_text,
    names::{logical, physical, physical_text},
};
use catalog::{Auth, Function, Trigger};
use serde_json::{Value, json};

/// Longest timeout of an integration in milliseconds.
const MAX_TIMEOUT_MS: u32 = 30_000;

pub(super) fn add_shared(drafts: &mut Drafts) {
    let template = drafts.at(NestedStack::Shared);
    template.add_shared(api());
    template.add_shared(Resource::new(
        "ApiLogGroup",
        "AWS::Logs::LogGroup",
        json!({ "LogGroupName": sub(&format!("/aws/apigateway/{}", physical_text("api"))), "RetentionInDays": LOG_DAYS }),
    ));
    template.add_shared(stage());
}

pub(super) fn add(template: &mut Template, function: &Function) {
    match function.trigger {
        Trigger::Authorizer => template.add_for(function, authorizer(function)),
        Trigger::Http { method, path, auth, .. } => {
            template.add_for(function, integration(function));
            template.add_for(function, route(function, &format!("{} {path}", method.name()), auth));
        }
        Trigger::DefaultRoute => {
            template.add_for(function, integration(function));
            template.add_for(function, route(function, "$default", Auth::Public));
        }
        _ => {}
    }
}

fn api() -> Resource {
    let cors = json!({
        "AllowCredentials": true,
        "AllowHeaders": cors::ALLOWED_HEADERS,
        "AllowMethods": cors::methods(),
        "AllowOrigins": reference("CorsOrigins"),
        "ExposeHeaders": cors::EXPOSED_HEADERS,
        "MaxAge": cors::MAX_AGE_S,
    });
    Resource::new(
        "Api",
        "AWS::ApiGatewayV2::Api",
        json!({
            "CorsConfiguration": only_when("HasCorsOrigins", cors),
            "Name": physical("api"),
            "ProtocolType": "HTTP",
        }),
    )
}

fn stage() -> Resource {
    let line = json!({
        "request_id": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "route": "$context.routeKey",
        "source_ip": "$context.identity.sourceIp",
        "principal": "$context.authorizer.sub",
        "status": "$context.status",
        "latency_ms": "$context.responseLatency",
        "integration_status": "$context.integrationStatus",
        "integration_latency_ms": "$context.integrationLatency",
        "integration_error": "$context.integrationErrorMessage",
        "authorizer_error": "$context.authorizer.error",
        "response_bytes": "$context.responseLength",
    });
    Resource::new(
        "ApiStage",
        "AWS::ApiGatewayV2::Stage",
        json!({
            "AccessLogSettings": {
                "DestinationArn": attribute("ApiLogGroup", "Arn"),
                "Format": crate::codegen::canonical(line).to_string(),
            },
            "ApiId": reference("Api"),
            "AutoDeploy": true,
            "DefaultRouteSettings": {
                "DetailedMetricsEnabled": true,
                "ThrottlingBurstLimit": 2_000,
                "ThrottlingRateLimit": 1_000,
            },
            "StageName": "$default",
        }),
    )
}

/// The role that API Gateway assumes to invoke a stack's functions: one role instead of a permission for each function.
pub(super) fn add_role(template: &mut Template) {
    let is_invoked = |function: &&&Function| {
        (function.is_http() || matches!(function.trigger, Trigger::Authorizer))
            && of_function(function).name() == template.name
    };
    let functions: Vec<_> =
        catalog::FUNCTIONS.iter().filter(is_invoked).map(|function| sub(&function_arn_text(function.name))).collect();
    if functions.is_empty() {
        return;
    }
    template.add_shared(Resource::new(
        "ApiRole",
        "AWS::IAM::Role",
        json!({
            "AssumeRolePolicyDocument": assumed_by("apigateway.amazonaws.com"),
            "Policies": [{
                "PolicyName": "invoke",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{ "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": functions }],
                },
            }],
        }),
    ));
}

fn authorizer(function: &Function) -> Resource {
    let id = logical(function.name, "Function");
    let uri = format!(
        "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{id}.Arn}}/invocations"
    );
    Resource::new(
        "ApiAuthorizer",
        "AWS::ApiGatewayV2::Authorizer",
        json!({
            "ApiId": reference("Api"),
            "AuthorizerCredentialsArn": attribute("ApiRole", "Arn"),
            "AuthorizerPayloadFormatVersion": "2.0",
            // API Gateway itself answers a request that lacks an identity source, and without one it cannot cache.
            "AuthorizerResultTtlInSeconds": 0,
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": sub(&uri),
            "EnableSimpleResponses": true,
            "IdentitySource": [],
            "Name": function.name,
        }),
    )
}

fn integration(function: &Function) -> Resource {
    Resource::new(
        logical(function.name, "Integration"),
        "AWS::ApiGatewayV2::Integration",
        json!({
            "ApiId": reference("Api"),
            "CredentialsArn": attribute("ApiRole", "Arn"),
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": attribute(&logical(function.name, "Function"), "Arn"),
            "PayloadFormatVersion": "2.0",
            "TimeoutInMillis": (function.timeout_s * 1_000).min(MAX_TIMEOUT_MS),
        }),
    )
}

fn route(function: &Function, key: &str, auth: Auth) -> Resource {
    let mut properties = json!({
        "ApiId": reference("Api"),
        "RouteKey": key,
        "Target": sub(&format!("integrations/${{{}}}", logical(function.name, "Integration"))),
    });
    let (kind, authorizer): (&str, Option<Value>) = match auth {
        Auth::Public => ("NONE", None),
        Auth::Roles(_) | Auth::Optional(_) => ("CUSTOM", Some(reference("ApiAuthorizer"))),
    };
    properties["AuthorizationType"] = json!(kind);
    if let Some(authorizer) = authorizer {
        properties["AuthorizerId"] = authorizer;
    }
    Resource::new(logical(function.name, "Route"), "AWS::ApiGatewayV2::Route", properties)
}
