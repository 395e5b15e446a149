//! Tables, streams, buckets, secrets, and the SES identity.

use super::{
    Drafts,
    inputs::{bucket_and_objects, in_production, tls_only},
    placement,
};
use crate::codegen::{
    cfn::{Resource, Template, attribute, only_when, reference, sub, when},
    names::{EMAIL_CONFIGURATION_SET, bucket_text, dead_letter_queue_id, logical, physical, physical_text},
};
use catalog::{TopicSource, Trigger};
use serde_json::json;

/// Age in days at which objects move to the tier for infrequent access, and to the archive.
const INFREQUENT_DAYS: u32 = 30;
const ARCHIVE_DAYS: u32 = 90;

pub(super) fn add(drafts: &mut Drafts) {
    for table in catalog::TABLES {
        drafts.at(placement::of_table(table)).add_shared(table_of(table));
    }
    for stream in catalog::STREAMS {
        drafts.at(placement::of_stream(stream)).add_shared(stream_of(stream));
    }
    for bucket in catalog::BUCKETS {
        let template = drafts.at(placement::of_bucket(bucket));
        let id = logical(bucket.name, "Bucket");
        let invoked: Vec<_> = invoked_by(bucket).collect();
        for (function, _) in &invoked {
            template.add_for(function, permission(function, bucket));
            template.add_for(function, undelivered_objects(function));
        }
        let permissions = invoked.iter().map(|(function, _)| logical(function.name, "Permission"));
        template.add_shared(bucket_of(bucket, &id).after(permissions));
        let statements = [tls_only("s3:*", &bucket_and_objects(&id))];
        let policy = Resource::new(
            format!("{id}Policy"),
            "AWS::S3::BucketPolicy",
            json!({
                "Bucket": reference(&id),
                "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
            }),
        );
        // Emulators have no TLS.
        template.add_shared(policy.only_when("OnAws"));
    }
    for secret in catalog::SECRETS {
        drafts.at(placement::of_secret(secret)).add_shared(secret_of(secret));
    }
    for role in catalog::database_roles() {
        let place = role.context().map_or(placement::NestedStack::Shared, placement::NestedStack::Context);
        drafts.at(place).add_shared(role_secret_of(role.name()));
    }
    if catalog::FUNCTIONS.iter().any(|function| placement::sends_email(function)) {
        add_email(drafts.at(placement::of_email()));
    }
}

/// The SES identity of the sender, the configuration set, and the topics for bounces and complaints.
fn add_email(template: &mut Template) {
    template.add_shared(Resource::new(
        "SenderIdentity",
        "AWS::SES::EmailIdentity",
        json!({ "EmailIdentity": reference("EmailFrom") }),
    ));
    let name = sub(&physical_text("email"));
    template.add_shared(Resource::new(
        EMAIL_CONFIGURATION_SET,
        "AWS::SES::ConfigurationSet",
        json!({
            "Name": name,
            "DeliveryOptions": { "TlsPolicy": "REQUIRE" },
            // In addition to the platform's own suppression list.
            "SuppressionOptions": { "SuppressedReasons": ["BOUNCE", "COMPLAINT"] },
        }),
    ));
    for topic in catalog::TOPICS.iter().filter(|topic| topic.source == TopicSource::Email) {
        let destination = Resource::new(
            format!("{EMAIL_CONFIGURATION_SET}{}", logical(topic.name, "")),
            "AWS::SES::ConfigurationSetEventDestination",
            json!({
                "ConfigurationSetName": reference(EMAIL_CONFIGURATION_SET),
                "EventDestination": {
                    "Name": topic.name,
                    "Enabled": true,
                    "MatchingEventTypes": ["bounce", "complaint"],
                    "SnsDestination": { "TopicARN": reference(&logical(topic.name, "Topic")) },
                },
            }),
        );
        // SES publishes a test message when the destination is created, so the topic policy must exist by then.
        template.add_shared(destination.after([logical(topic.name, "TopicPolicy")]));
    }
}

fn table_of(table: &catalog::Table) -> Resource {
    let is_watched = catalog::FUNCTIONS
        .iter()
        .any(|function| matches!(function.trigger, Trigger::TableChanges(watched) if watched.name == table.name));
    let attributes = [table.key, table.index.key].map(|key| json!({ "AttributeName": key, "AttributeType": "S" }));
    let mut properties = json!({
        "TableName": physical(table.name),
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": in_production(json!(true), json!(false)),
        "AttributeDefinitions": attributes,
        "KeySchema": [{ "AttributeName": table.key, "KeyType": "HASH" }],
        "GlobalSecondaryIndexes": [{
            "IndexName": table.index.name,
            "KeySchema": [{ "AttributeName": table.index.key, "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        }],
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
        "SSESpecification": { "SSEEnabled": true },
        "TimeToLiveSpecification": { "AttributeName": table.ttl, "Enabled": true },
    });
    if is_watched {
        properties["StreamSpecification"] = json!({ "StreamViewType": "NEW_AND_OLD_IMAGES" });
    }
    Resource::new(logical(table.name, "Table"), "AWS::DynamoDB::Table", properties).retained()
}

fn stream_of(stream: &catalog::Stream) -> Resource {
    Resource::new(
        logical(stream.name, "Stream"),
        "AWS::Kinesis::Stream",
        json!({
            "Name": physical(stream.name),
            "RetentionPeriodHours": 24,
            "StreamModeDetails": { "StreamMode": "ON_DEMAND" },
            "StreamEncryption": { "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis" },
        }),
    )
}

/// The functions that a bucket invokes, and for which prefixes.
fn invoked_by(bucket: &catalog::Bucket) -> impl Iterator<Item = (&'static catalog::Function, &'static str)> {
    catalog::FUNCTIONS.iter().filter_map(|function| match function.trigger {
        Trigger::Objects(from, prefix) if from.name == bucket.name => Some((*function, prefix)),
        _ => None,
    })
}

fn permission(function: &catalog::Function, bucket: &catalog::Bucket) -> Resource {
    Resource::new(
        logical(function.name, "Permission"),
        "AWS::Lambda::Permission",
        json!({
            "Action": "lambda:InvokeFunction",
            "FunctionName": reference(&logical(function.name, "Function")),
            "Principal": "s3.amazonaws.com",
            "SourceAccount": reference("AWS::AccountId"),
            "SourceArn": sub(&format!("arn:${{AWS::Partition}}:s3:::{}", bucket_text(bucket.name))),
        }),
    )
}

/// Where an object goes whose invocations all failed.
fn undelivered_objects(function: &catalog::Function) -> Resource {
    let queue = attribute(&dead_letter_queue_id(function.name), "Arn");
    Resource::new(
        logical(function.name, "Invocations"),
        "AWS::Lambda::EventInvokeConfig",
        json!({
            "DestinationConfig": { "OnFailure": { "Destination": queue } },
            "FunctionName": reference(&logical(function.name, "Function")),
            "Qualifier": "$LATEST",
        }),
    )
}

fn bucket_of(bucket: &catalog::Bucket, id: &str) -> Resource {
    let encryption = json!([{ "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }]);
    let mut properties = json!({
        "BucketName": sub(&bucket_text(bucket.name)),
        "BucketEncryption": { "ServerSideEncryptionConfiguration": encryption },
        "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] },
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": true,
            "BlockPublicPolicy": true,
            "IgnorePublicAcls": true,
            "RestrictPublicBuckets": true,
        },
        "VersioningConfiguration": { "Status": "Enabled" },
        "LifecycleConfiguration": { "Rules": lifecycle(bucket) },
    });
    let notifications: Vec<_> = invoked_by(bucket)
        .map(|(function, prefix)| {
            json!({
                "Event": "s3:ObjectCreated:*",
                "Filter": { "S3Key": { "Rules": [{ "Name": "prefix", "Value": prefix }] } },
                "Function": attribute(&logical(function.name, "Function"), "Arn"),
            })
        })
        .collect();
    if !notifications.is_empty() {
        properties["NotificationConfiguration"] = json!({ "LambdaConfigurations": notifications });
    }
    if bucket.locked_years > 0 {
        let rule = json!({ "DefaultRetention": { "Mode": "COMPLIANCE", "Years": bucket.locked_years } });
        properties["ObjectLockEnabled"] = in_production(json!(true), reference("AWS::NoValue"));
        properties["ObjectLockConfiguration"] =
            only_when("IsProduction", json!({ "ObjectLockEnabled": "Enabled", "Rule": rule }));
    }
    Resource::new(id, "AWS::S3::Bucket", properties).retained()
}

/// Objects with an end are read in their first days, if at all: each tier costs less to keep and more to read. Those without one are
/// served. The same as in Terraform.
fn lifecycle(bucket: &catalog::Bucket) -> serde_json::Value {
    let tier = |days: u32, class: &str| json!({ "TransitionInDays": days, "StorageClass": class });
    let mut tiers = json!({
        "Id": "tiers",
        "Status": "Enabled",
        "ExpirationInDays": bucket.retained_days,
    });
    // Objects that expire before pay for no transition.
    if bucket.retained_days > ARCHIVE_DAYS {
        tiers["Transitions"] = json!([tier(INFREQUENT_DAYS, "STANDARD_IA"), tier(ARCHIVE_DAYS, "GLACIER_IR")]);
    }
    let leftovers = json!({
        "Id": "leftovers",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 },
        // A locked version outlives this until its lock ends.
        "NoncurrentVersionExpiration": { "NoncurrentDays": 30 },
    });
    if bucket.retained_days > 0 { json!([tiers, leftovers]) } else { json!([leftovers]) }
}

fn secret_of(secret: &catalog::Secret) -> Resource {
    // Secrets of third parties are inputs. Until they are given, the value says so.
    let input = |condition, parameter| when(condition, reference(parameter), json!("unset"));
    let text = if secret.name == catalog::GATEWAY_KEY.name {
        input("HasGatewayKey", "GatewaySecretKey")
    } else if secret.name == catalog::WEBHOOK_SECRET.name {
        input("HasWebhookSecret", "GatewayWebhookSecret")
    } else if secret.name == catalog::CANARY_ACCOUNT.name {
        // `scripts/canary` sets it up.
        json!("{}")
    } else if [catalog::COUNTER_KEY.name, catalog::ORIGIN_SECRET.name].contains(&secret.name) {
        // `key-rotate` makes the one; nobody but a distribution in front of the API needs the other.
        json!("unset")
    } else {
        // Signing keys never pass through a template: `key-rotate` creates the first one as well.
        json!("{\"keys\":[]}")
    };
    Resource::new(
        logical(secret.name, "Secret"),
        "AWS::SecretsManager::Secret",
        json!({ "Name": sub(&format!("{}/${{Stage}}/{}", catalog::PREFIX, secret.name)), "SecretString": text }),
    )
    .retained()
}

/// The secret of a database role. The first rotation adds the password.
fn role_secret_of(role: &str) -> Resource {
    let name = format!("{}/${{Stage}}/{}/{role}", catalog::PREFIX, catalog::ROLE_SECRETS);
    let text = json!({ "username": role }).to_string();
    Resource::new(
        logical(&role.replace('_', "-"), "RoleSecret"),
        "AWS::SecretsManager::Secret",
        json!({ "Name": sub(&name), "SecretString": text }),
    )
    .retained()
}
