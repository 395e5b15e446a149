//! Every event has a producer and a consumer, every topic and stream carries events of its own, and no event causes itself for ever.

use super::expect_none;
use catalog::{Action, Auth, EVENTS, FUNCTIONS, Function, Method, ReplayPolicy, TOPICS, Trigger, Uses, role};
use std::collections::BTreeSet;
use xtask::codegen::{rows, template::topic_events, topology};

#[test]
fn every_event_has_a_producer_in_its_context() {
    let mut complaints = Vec::new();
    for event in EVENTS {
        let producers = topology::producers(event);
        if producers.is_empty() {
            complaints.push(format!("no function publishes {}", event.name));
        }
        for name in producers {
            let context = catalog::find(name).map(|row| row.context);
            if context != Some(event.context) {
                complaints.push(format!("{name} publishes {}, which belongs to {}", event.name, event.context.name()));
            }
        }
    }
    expect_none(&complaints, "add `.publishes(…)` to the row of the producer, or delete the event");
}

#[test]
fn every_event_of_a_row_is_known_and_every_known_event_is_used() {
    let complaints = [rows::unknown_events(FUNCTIONS), rows::unused_events(FUNCTIONS)].concat();
    expect_none(&complaints, "correct the rows");
}

/// The delivery check publishes an event again until each consumer has recorded it.
#[test]
fn every_consumer_of_events_claims_or_records_them() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.keeps_inbox()) {
        let source = |file: &str| {
            let path = format!("{}/../functions/{}/src/{file}", env!("CARGO_MANIFEST_DIR"), row.name);
            std::fs::read_to_string(path).expect("a source file")
        };
        if !source("main.rs").contains(".after(") && !source("lib.rs").contains("delivery.claim()") {
            complaints.push(format!("{} does neither", row.name));
        }
        if row.database_role().is_none() {
            complaints.push(format!("{} has no database with an inbox", row.name));
        }
    }
    expect_none(&complaints, "wrap the handler in `handled_events.after(…)`, and add `Uses::Postgres`");
}

/// What recognizes an event where the handler makes no claim of its own.
const RECOGNIZED: &[(&str, &str)] = &[
    ("credit-note-issue", "a refund has one credit note"),
    ("invoice-issue", "an order has one invoice"),
    ("payment-method-forget", "what is deleted is gone"),
    ("update-send", "the notifier claims each channel"),
    ("webhook-enqueue", "a delivery has the id of its event"),
];

/// A replay says what the consumer does with events that it has handled: it recognizes them, unless its row says that it compares versions.
#[test]
fn every_consumer_recognizes_a_replayed_event_or_compares_versions() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.has_queue() && !row.consumes().is_empty()) {
        let path = format!("{}/../functions/{}/src/lib.rs", env!("CARGO_MANIFEST_DIR"), row.name);
        let handler = std::fs::read_to_string(path).expect("a source file");
        let recognizes =
            handler.contains("delivery.claim()") || RECOGNIZED.iter().any(|(consumer, _)| *consumer == row.name);
        let policy = if recognizes { ReplayPolicy::Claims } else { ReplayPolicy::ByVersion };
        if row.replay_policy() != policy {
            complaints.push(format!("{} is {:?} and does {policy:?}", row.name, row.replay_policy()));
        }
    }
    let unqueued = FUNCTIONS.iter().filter(|row| !row.has_queue() || row.consumes().is_empty());
    let accepted = unqueued.filter(|row| row.replay_policy() != ReplayPolicy::Refused);
    complaints.extend(accepted.map(|row| format!("{} has no queue with events", row.name)));
    expect_none(&complaints, "claim the event, or add `.by_version()` to the row");
}

#[test]
fn every_consumer_of_events_counts_its_failed_attempts() {
    let counts = |row: &&&catalog::Function| {
        let path = format!("{}/../functions/{}/src/main.rs", env!("CARGO_MANIFEST_DIR"), row.name);
        let main = std::fs::read_to_string(path).expect("a source file");
        [".after(", ".attempt("].iter().any(|wrapper| main.contains(wrapper))
    };
    let silent = FUNCTIONS.iter().filter(|row| row.keeps_inbox()).filter(|row| !counts(row));
    let complaints: Vec<_> = silent.map(|row| format!("{} does not", row.name)).collect();
    expect_none(&complaints, "wrap the handler in `handled_events.after(…)`, or in `attempt` if it stores its claim");
}

#[test]
fn every_consumer_of_events_records_its_dead_letters() {
    let records = |row: &&&catalog::Function| {
        let path = format!("{}/../functions/{}/src/main.rs", env!("CARGO_MANIFEST_DIR"), row.name);
        std::fs::read_to_string(path).expect("a source file").contains("recorded_dead_letters(")
    };
    let silent = FUNCTIONS.iter().filter(|row| row.keeps_inbox()).filter(|row| !records(row));
    let complaints: Vec<_> = silent.map(|row| format!("{} does not", row.name)).collect();
    expect_none(&complaints, "pass `adapters_sqs::recorded_dead_letters(…)` to the runner");
}

#[test]
fn every_publisher_has_access_to_the_bus() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let has_bus = row.resources().any(|uses| matches!(uses, catalog::Uses::Bus));
        if !row.publishes.is_empty() && !has_bus {
            complaints.push(format!("{} publishes events and has no Uses::Bus", row.name));
        }
    }
    expect_none(&complaints, "add Uses::Bus to the row");
}

#[test]
fn every_topic_carries_events_of_its_context_to_a_subscriber() {
    let mut complaints = Vec::new();
    for topic in TOPICS {
        let events = topic_events(topic);
        let subscribes = |row: &&catalog::Function| matches!(row.trigger, Trigger::ExternalTopic(source) if source.name == topic.name);
        if events.is_empty() && !FUNCTIONS.iter().any(subscribes) {
            complaints.push(format!("{} has no subscriber", topic.name));
        }
        for event in events.iter().filter(|event| event.context != topic.context) {
            complaints.push(format!("{} carries {}, an event of another context", topic.name, event.name));
        }
    }
    expect_none(&complaints, "subscribe to a topic of the event's context, or to the bus");
}

#[test]
fn every_event_expected_on_a_stream_has_a_writer() {
    let mut complaints = Vec::new();
    for reader in FUNCTIONS {
        let Trigger::Stream(stream, events) = reader.trigger else { continue };
        for event in events {
            let writes = |row: &&&catalog::Function| {
                row.consumes().iter().any(|consumed| consumed.name == event.name)
                    && row
                        .resources()
                        .any(|uses| matches!(uses, catalog::Uses::Stream(out, _) if out.name == stream.name))
            };
            if !FUNCTIONS.iter().any(|row| writes(&row)) {
                complaints.push(format!(
                    "{} expects {} on {}, and no function writes it there",
                    reader.name, event.name, stream.name
                ));
            }
        }
    }
    expect_none(&complaints, "add a function that consumes the event and writes it to the stream");
}

#[test]
fn events_that_cause_themselves_end_for_a_recorded_reason() {
    expect_none(&rows::unending_cycles(FUNCTIONS), "a row feeds itself");
}

/// Commands of staff and admins that cause no event, and what the description of the audit calls what they change.
const NOT_AUDITED: &[(&str, &[&str])] = &[
    ("addresses and notes of orders", &["order-address-update", "order-note-add"]),
    ("notification preferences", &["preferences-update"]),
    ("message templates", &["template-preview", "template-update"]),
    (
        "webhook endpoints",
        &["webhook-endpoint-create", "webhook-endpoint-delete", "webhook-endpoint-update", "webhook-secret-rotate"],
    ),
    ("service clients", &["client-create", "client-delete", "client-secret-rotate"]),
    ("sources and records", &["record-create", "source-close", "source-create", "source-schema-add"]),
    ("imports and exports of products", &["product-export-create", "product-import-create"]),
    (
        "own password, second factor and sessions",
        &[
            "password-change",
            "recovery-code-renew",
            "session-end",
            "session-revoke",
            "totp-begin",
            "totp-confirm",
            "user-logout",
        ],
    ),
];

#[test]
fn description_of_the_audit_names_the_commands_that_it_does_not_list() {
    let is_of_staff = |auth: Auth| auth.roles().iter().any(|name| [role::STAFF, role::ADMIN].contains(name));
    // The stream of the table publishes what they change.
    let changes_products = |function: &Function| {
        let is_write = |action: &Action| matches!(action, Action::PutItem | Action::UpdateItem(_));
        function.resources().any(|uses| matches!(uses, Uses::Table(_, actions) if actions.iter().any(is_write)))
    };
    let recorded = [catalog::QUEUE_REDRIVE, catalog::EVENT_REPLAY, catalog::CONSUMER_STATE_UPDATE].map(|row| row.name);
    let silent: BTreeSet<&str> = FUNCTIONS
        .iter()
        .filter(|function| match function.trigger {
            Trigger::Http { method, auth, .. } => method != Method::Get && is_of_staff(auth),
            _ => false,
        })
        .filter(|function| function.publishes.is_empty() && !changes_products(function))
        .map(|function| function.name)
        .filter(|name| !recorded.contains(name))
        .collect();
    let named: BTreeSet<&str> = NOT_AUDITED.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let mut complaints: Vec<String> = silent.difference(&named).map(|name| format!("{name} is not listed")).collect();
    complaints.extend(named.difference(&silent).map(|name| format!("{name} causes events, or is no command of staff")));
    let source = xtask::root().join("functions/operator-action-list/src/lib.rs");
    let text = std::fs::read_to_string(source).expect("readable").replace("//! ", "");
    let words = NOT_AUDITED.iter().map(|(words, _)| *words).filter(|words| !text.contains(words));
    complaints.extend(words.map(|words| format!("the description does not say: {words}")));
    expect_none(
        &complaints,
        "publish an event, or name the command in NOT_AUDITED and in the description of operator-action-list",
    );
}
