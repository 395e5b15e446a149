//! What roles grant: nothing that the code does not call, and everything that it calls.
//!
//! `permissions.json` beside this file says which actions each function called while the handlers and journeys ran against the local
//! cloud. `scripts/iam --record` writes it, and `scripts/iam` fails if a run saw an action that it lacks.

use super::{expect_none, sources::with_extension};
use catalog::{Action, FUNCTIONS, Function, Trigger, Uses};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use xtask::codegen::grants::{self, Grant, Target, Values};

const RECORDED: &str = include_str!("permissions.json");

/// Actions that the Lambda service takes with the role of the function, and that no code calls: logs, traces, network interfaces, and
/// reading the event source.
const OF_LAMBDA: &[&str] = &[
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "ec2:",
    "kafka:",
    "kafka-cluster:",
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "logs:",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "xray:",
];

/// Actions that the code uses and no AWS API receives in the local cloud.
const NOT_SEEN: &[(&str, &str)] = &[
    ("rds-db:connect", "the local database has passwords; RDS Proxy checks the action when the function connects"),
    ("elasticache:Connect", "the local Redis has no logins; ElastiCache checks the action when the function connects"),
    ("s3:ListBucket", "no call: with it, S3 answers a request for a missing object with 404 instead of 403"),
];

fn recorded() -> BTreeMap<String, BTreeSet<String>> {
    serde_json::from_str(RECORDED).expect("a list of actions for each function")
}

fn is_seen(action: &str) -> bool {
    let of_lambda = |listed: &&str| if listed.ends_with(':') { action.starts_with(*listed) } else { action == *listed };
    !OF_LAMBDA.iter().any(of_lambda) && !NOT_SEEN.iter().any(|(listed, _)| action == *listed)
}

/// The actions that the role allows to the code.
fn granted(row: &Function) -> BTreeSet<String> {
    // What polls Kafka for a function logs in with the secret; the function does not.
    let is_of_poller = |grant: &Grant| matches!((row.trigger, &grant.target), (Trigger::Kafka(_), Target::KafkaLogin));
    let actions = grants::of(row).into_iter().filter(|grant| !is_of_poller(grant)).flat_map(|grant| grant.actions);
    actions.map(str::to_owned).collect()
}

#[test]
fn roles_grant_exactly_the_actions_that_the_code_calls() {
    let recorded = recorded();
    let none = BTreeSet::new();
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let (granted, called) = (granted(row), recorded.get(row.name).unwrap_or(&none));
        let idle = granted.difference(called).filter(|action| is_seen(action));
        complaints.extend(idle.map(|action| format!("{} never calls {action}", row.name)));
        complaints.extend(called.difference(&granted).map(|action| format!("{} may not call {action}", row.name)));
    }
    let unknown = recorded.keys().filter(|name| catalog::find(name).is_none());
    complaints.extend(unknown.map(|name| format!("there is no function {name}")));
    expect_none(
        &complaints,
        "correct the actions in the row, or record again: scripts/up, journeys, scripts/iam --all --record",
    );
}

#[test]
fn each_use_names_actions_of_its_own_service() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        for uses in row.resources() {
            let (service, actions): (_, &[Action]) = match uses {
                Uses::Table(_, actions) => ("dynamodb:", actions),
                Uses::Bucket(_, actions) => ("s3:", actions),
                Uses::Secret(_, actions) | Uses::RoleSecrets(actions) => ("secretsmanager:", actions),
                Uses::Stream(_, actions) => ("kinesis:", actions),
                Uses::Queues(actions) | Uses::DeadLetterQueues(actions) => ("sqs:", actions),
                Uses::EventSourceMappings(actions) => ("lambda:", actions),
                Uses::PushEndpoints(actions) => ("sns:", actions),
                _ => continue,
            };
            if actions.is_empty() || !actions.iter().all(|action| action.iam().starts_with(service)) {
                complaints.push(format!("{}: {uses:?}", row.name));
            }
        }
    }
    expect_none(&complaints, "name the actions that the function calls, and no others");
}

/// The values of a condition of a statement; none if it has no such condition.
fn texts(grant: &grants::Grant, test: &str, key: &str) -> Vec<&'static str> {
    let found = grant.conditions.iter().find(|condition| condition.test == test && condition.key == key);
    match found.map(|condition| &condition.values) {
        Some(Values::Texts(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

#[test]
fn roles_may_put_only_events_that_their_rows_publish() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let mut allowed = BTreeSet::new();
        for grant in grants::of(row).iter().filter(|grant| grant.actions.contains(&"events:PutEvents")) {
            let (sources, types) =
                (texts(grant, "StringEquals", "events:source"), texts(grant, "StringEquals", "events:detail-type"));
            if sources.is_empty() || types.is_empty() {
                complaints.push(format!("{} may put any event", row.name));
            }
            allowed.extend(sources.iter().flat_map(|source| types.iter().map(move |name| (*source, *name))));
        }
        let wanted: BTreeSet<_> =
            row.puts_on_bus().into_iter().map(|event| (event.context.source(), event.name)).collect();
        if allowed != wanted {
            complaints.push(format!("{} may put {allowed:?}", row.name));
        }
    }
    expect_none(&complaints, "see publish in codegen/grants.rs");
}

#[test]
fn only_the_sweep_puts_events_of_other_contexts() {
    let foreign = |row: &&&Function| row.puts_on_bus().iter().any(|event| event.context != row.context);
    let names: Vec<_> = FUNCTIONS.iter().filter(foreign).map(|row| row.name).collect();
    assert_eq!(names, ["outbox-sweep"]);
}

#[test]
fn public_routes_of_the_platform_can_read_nothing() {
    let readable = |row: &Function| -> Vec<_> {
        let of_platform = |action: &&str| !action.starts_with("rds-db:") && is_seen(action);
        grants::of(row).into_iter().flat_map(|grant| grant.actions).filter(of_platform).collect()
    };
    for row in [catalog::HEALTH_GET, catalog::READY_GET, catalog::ROUTE_DEFAULT] {
        assert_eq!(readable(row), [""; 0], "{}", row.name);
    }
    let database = grants::of(catalog::READY_GET).into_iter().find(|grant| grant.sid == "Database");
    let statement = database.expect("a database user").in_template(0);
    assert!(statement["Resource"].to_string().ends_with(r#"/probe"}"#), "{statement}");
}

#[test]
fn updates_may_change_only_the_named_attributes() {
    let updates: Vec<_> = grants::of(catalog::PRODUCT_STOCK_TRACK)
        .into_iter()
        .filter(|grant| grant.actions.contains(&"dynamodb:UpdateItem"))
        .collect();
    assert_eq!(updates.len(), 1);
    let names = texts(&updates[0], "ForAllValues:StringEquals", "dynamodb:Attributes");
    assert_eq!(names, ["pk", "stock_quantity", "stock_version", "last_change"]);
    let condition: Value = updates[0].in_template(0)["Condition"].clone();
    assert_eq!(condition["ForAllValues:StringEquals"]["dynamodb:Attributes"][1], "stock_quantity");
}

#[test]
fn mappings_of_this_deployment_alone_may_be_changed() {
    let changes = |row: &&&Function| {
        let all = grants::of(row);
        all.iter().any(|grant| grant.actions.iter().any(|action| action.ends_with("EventSourceMapping")))
    };
    let names: Vec<_> = FUNCTIONS.iter().filter(changes).map(|row| row.name).collect();
    assert_eq!(names, [catalog::CONSUMER_STATE_UPDATE.name]);
    let all = grants::of(catalog::CONSUMER_STATE_UPDATE);
    let change = all.iter().find(|grant| grant.sid == "Mappings").expect("a statement").in_template(0);
    let functions = change["Condition"]["ArnLike"]["lambda:FunctionArn"].to_string();
    assert!(functions.ends_with(r#":function:quayside-${Stage}-*"}"#), "{change}");
    assert!(change["Resource"].to_string().ends_with(r#":event-source-mapping:*"}"#), "{change}");
}

#[test]
fn user_of_the_cache_may_send_exactly_the_commands_of_the_adapter() {
    let sources = with_extension("rs");
    let adapter = sources.iter().filter(|source| source.path.starts_with("shared/adapters-redis/src/"));
    let commands = |text: &str| -> Vec<String> {
        let calls = [("redis::cmd(\"", '"'), ("redis.call('", '\'')];
        let named = |(call, end): (&str, char)| -> Vec<String> {
            text.split(call).skip(1).filter_map(|rest| rest.split(end).next()).map(str::to_lowercase).collect()
        };
        calls.into_iter().flat_map(named).filter(|command| command != "ping").collect()
    };
    let sent: BTreeSet<_> = adapter.flat_map(|source| commands(&source.text)).collect();
    let cache = std::fs::read_to_string(xtask::root().join("terraform/modules/cache/main.tf")).expect("the module");
    let rules = cache.split("access_string = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("rules");
    let allowed: BTreeSet<_> = rules.split(' ').filter_map(|rule| rule.strip_prefix('+')).map(str::to_owned).collect();
    let connection = BTreeSet::from(["@connection".to_owned()]);
    assert_eq!(allowed.difference(&connection).cloned().collect::<BTreeSet<_>>(), sent, "PING is of @connection");
}
