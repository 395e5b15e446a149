//! Contract of [`OperatorActions`] and [`OperatorLog`].

use super::{Fixture, event_records, fresh, later};
use crate::build;
use domain::{
    id::{OrderId, UserId},
    redrive::{Action, AuditEntry, OperatorActionKind, OperatorActionResult},
    refused_action::RefusedAction,
    text::ActionReason,
    timeline::EventRecord,
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, Principal, Timestamp, Uuid};
use ports::{EventRecords, OperatorActions, OperatorLog};
use serde_json::{Value, json};

/// What records actions and events, and what reads the audit of both.
#[derive(Debug)]
pub struct ActionsAndLog<A, L, R> {
    pub actions: A,
    pub log: L,
    pub records: R,
}

/// Generates one test per rule. The expression is a future of a
/// `Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>` without actions and events.
#[macro_export]
macro_rules! contract_operator_actions {
    ($fixture:expr) => {
        $crate::each_rule! { operator_actions, $fixture;
            action_is_read_as_it_was_recorded
            actions_are_listed_newest_first_and_in_pages
            changes_by_staff_are_listed_among_actions
            changes_that_neither_staff_nor_admins_made_are_not_listed
            action_that_did_not_end_has_no_outcome
            key_of_a_finished_action_repeats_its_response
            key_of_an_action_in_progress_is_taken
            key_of_a_failed_action_is_free_again
            one_of_concurrent_actions_under_a_key_begins
            refused_action_is_listed_with_the_role_of_its_caller
            refused_actions_of_a_caller_are_recorded_once_in_an_hour
            malformed_cursor_of_the_audit_is_rejected
        }
    };
}

const DONE: OperatorActionResult = OperatorActionResult { verb: OperatorActionKind::Redrive, found: 3, succeeded: 2 };

fn a_key() -> IdempotencyKey {
    build::a_key(&fresh().to_string(), "body")
}

fn an_action(at: Timestamp) -> Action {
    Action {
        id: fresh(),
        operator: UserId(fresh()),
        verb: OperatorActionKind::Redrive,
        target: catalog::STOCK_RESERVE.name.to_owned(),
        reason: ActionReason::parse("the gateway is back").expect("a reason"),
        request: json!({ "max": 7 }).as_object().cloned().expect("an object"),
        at,
    }
}

/// An event that the request of a caller with this role caused.
fn a_change(role: &str, at: Timestamp) -> EventRecord {
    let actor = Some(Principal { id: fresh(), role: role.to_owned() });
    EventRecord { actor, ..event_records::about(OrderId(fresh()), at) }
}

async fn listed(log: &impl OperatorLog) -> Vec<AuditEntry> {
    log.list(100, None).await.expect("a page").items
}

pub async fn action_is_read_as_it_was_recorded(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let (port, action) = (fixture.port(), an_action(later(0)));
    port.actions.begin(&action, None).await.expect("recorded");
    port.actions.finish(action.id, DONE, later(1), None).await.expect("recorded");
    let [logged] = &listed(&port.log).await[..] else { panic!("one action") };
    let Value::Object(outcome) = json!({ "matched": 3, "redriven": 2 }) else { unreachable!() };
    assert_eq!(*logged, AuditEntry::of_action(&action, Some(outcome)));
}

pub async fn actions_are_listed_newest_first_and_in_pages(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let port = fixture.port();
    let mut actions: Vec<Action> = [5, 0, 0, 9].map(|seconds| an_action(later(seconds))).into();
    for action in &actions {
        port.actions.begin(action, None).await.expect("recorded");
    }
    actions.sort_by_key(|action| std::cmp::Reverse((action.at, action.id)));
    let expected: Vec<Uuid> = actions.iter().map(|action| action.id).collect();
    let (mut read, mut cursor) = (Vec::new(), None);
    loop {
        let page = port.log.list(3, cursor.as_deref()).await.expect("a page");
        read.extend(page.items.into_iter().map(|logged| logged.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(read, expected);
}

pub async fn changes_by_staff_are_listed_among_actions(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let (port, action) = (fixture.port(), an_action(later(5)));
    let changes = [("staff", 0), ("admin", 9), ("staff", 7), ("admin", 5)].map(|(role, at)| a_change(role, later(at)));
    port.actions.begin(&action, None).await.expect("recorded");
    port.records.add(&changes).await.expect("added");
    let mut expected: Vec<AuditEntry> = changes.iter().filter_map(AuditEntry::of_change).collect();
    expected.push(AuditEntry::of_action(&action, None));
    expected.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
    assert_eq!(expected.len(), 5);
    let (mut read, mut cursor) = (Vec::new(), None);
    while read.len() < expected.len() {
        let page = port.log.list(2, cursor.as_deref()).await.expect("a page");
        read.extend(page.items);
        cursor = page.next;
    }
    assert_eq!((read, cursor), (expected, None));
}

pub async fn changes_that_neither_staff_nor_admins_made_are_not_listed(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let port = fixture.port();
    let of_nobody = EventRecord { actor: None, ..a_change("staff", later(0)) };
    let changes = [a_change("customer", later(0)), a_change("service", later(1)), of_nobody];
    port.records.add(&changes).await.expect("added");
    assert_eq!(listed(&port.log).await, []);
}

pub async fn action_that_did_not_end_has_no_outcome(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let port = fixture.port();
    port.actions.begin(&an_action(later(0)), None).await.expect("recorded");
    assert_eq!(listed(&port.log).await[0].outcome, None);
}

pub async fn key_of_a_finished_action_repeats_its_response(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let (port, key, reply) = (fixture.port(), a_key(), build::a_reply("moved"));
    let action = an_action(later(0));
    assert_eq!(port.actions.begin(&action, Some(&key)).await, Ok(IdempotencyOutcome::Committed));
    port.actions.finish(action.id, DONE, later(1), Some((&key, Some(&reply)))).await.expect("recorded");
    let again = port.actions.begin(&an_action(later(2)), Some(&key)).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(reply)));
    let other = IdempotencyKey { fingerprint: "of another body".to_owned(), ..key };
    let reused = port.actions.begin(&an_action(later(3)), Some(&other)).await.expect_err("reused");
    assert_eq!((reused.kind, reused.code), (FailureKind::Invalid, "idempotency-key-reused"));
    let [logged] = &listed(&port.log).await[..] else { panic!("one action") };
    assert_eq!((logged.id, logged.outcome.is_some()), (action.id, true));
}

pub async fn key_of_an_action_in_progress_is_taken(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let (port, key) = (fixture.port(), a_key());
    port.actions.begin(&an_action(later(0)), Some(&key)).await.expect("recorded");
    let taken = port.actions.begin(&an_action(later(1)), Some(&key)).await.expect_err("taken");
    assert_eq!((taken.kind, taken.code), (FailureKind::Conflict, "idempotency-key-in-flight"));
    let elsewhere = port.actions.begin(&an_action(later(2)), Some(&a_key())).await;
    assert_eq!(elsewhere, Ok(IdempotencyOutcome::Committed));
    assert_eq!(listed(&port.log).await.len(), 2);
}

pub async fn key_of_a_failed_action_is_free_again(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let (port, key) = (fixture.port(), a_key());
    for n in [0, 2] {
        let action = an_action(later(n));
        assert_eq!(port.actions.begin(&action, Some(&key)).await, Ok(IdempotencyOutcome::Committed));
        port.actions.finish(action.id, DONE, later(n + 1), Some((&key, None))).await.expect("recorded");
    }
    assert!(listed(&port.log).await.iter().all(|logged| logged.outcome.is_some()));
}

pub async fn one_of_concurrent_actions_under_a_key_begins(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let key = a_key();
    let actions: Vec<Action> = (0..4).map(|_| an_action(later(0))).collect();
    let begin = fixture.concurrent(4).zip(&actions).map(|(port, action)| port.actions.begin(action, Some(&key)));
    let begun = join_all(begin).await;
    assert_eq!(begun.iter().filter(|one| **one == Ok(IdempotencyOutcome::Committed)).count(), 1, "{begun:?}");
    let is_taken = |one: &&Result<IdempotencyOutcome, Failure>| {
        one.as_ref().is_err_and(|one| one.code == "idempotency-key-in-flight")
    };
    assert_eq!(begun.iter().filter(is_taken).count(), 3, "{begun:?}");
    assert_eq!(listed(&fixture.port().log).await.len(), 1);
}

/// A request by a caller with this id at a time.
fn a_refusal(id: Uuid, at: Timestamp) -> RefusedAction {
    let caller = Principal { id, role: "staff".to_owned() };
    RefusedAction::new(fresh(), at, &caller, catalog::QUEUE_REDRIVE.name, Some(catalog::STOCK_RESERVE.name))
}

pub async fn refused_action_is_listed_with_the_role_of_its_caller(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let (port, refused, action) = (fixture.port(), a_refusal(fresh(), later(5)), an_action(later(0)));
    port.actions.begin(&action, None).await.expect("recorded");
    port.actions.refuse(&refused).await.expect("recorded");
    assert_eq!(listed(&port.log).await, [AuditEntry::from(&refused), AuditEntry::of_action(&action, None)]);
}

pub async fn refused_actions_of_a_caller_are_recorded_once_in_an_hour(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let (port, caller) = (fixture.port(), fresh());
    let hour = later(0).as_second().div_euclid(RefusedAction::INTERVAL_S) * RefusedAction::INTERVAL_S;
    let at = |seconds: i64| Timestamp::from_second(hour + seconds).expect("within the calendar");
    let refused = [(caller, 0), (caller, 3_599), (caller, 3_600), (fresh(), 9)].map(|(id, s)| a_refusal(id, at(s)));
    for one in &refused {
        port.actions.refuse(one).await.expect("recorded");
    }
    let expected = [2, 3, 0].map(|n: usize| AuditEntry::from(&refused[n]));
    assert_eq!(listed(&port.log).await, expected);
}

pub async fn malformed_cursor_of_the_audit_is_rejected(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog, impl EventRecords>>,
) {
    let failure = fixture.port().log.list(2, Some("x")).await.expect_err("not a cursor");
    assert_eq!((failure.kind, failure.fields[0].pointer.as_str()), (FailureKind::Invalid, "?cursor"));
}
