//! Contract of [`OperatorActions`] and [`OperatorLog`].

use super::{Fixture, fresh, later};
use domain::{
    id::UserId,
    redrive::{Action, LoggedAction, Outcome, Verb},
    text::ActionReason,
};
use kernel::{FailureKind, Timestamp, Uuid};
use ports::{OperatorActions, OperatorLog};
use serde_json::{Value, json};

/// What records actions, and what reads them.
#[derive(Debug)]
pub struct ActionsAndLog<A, L> {
    pub actions: A,
    pub log: L,
}

/// Generates one test per rule. The expression is a future of a `Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog>>` without
/// actions.
#[macro_export]
macro_rules! contract_operator_actions {
    ($fixture:expr) => {
        $crate::each_rule! { operator_actions, $fixture;
            action_is_read_as_it_was_recorded
            actions_are_listed_newest_first_and_in_pages
            action_that_did_not_end_has_no_outcome
            malformed_cursor_of_the_audit_is_rejected
        }
    };
}

fn an_action(at: Timestamp) -> Action {
    Action {
        id: fresh(),
        operator: UserId(fresh()),
        verb: Verb::Redrive,
        target: catalog::STOCK_RESERVE.name.to_owned(),
        reason: ActionReason::parse("the gateway is back").expect("a reason"),
        request: json!({ "max": 7 }).as_object().cloned().expect("an object"),
        at,
    }
}

async fn listed(log: &impl OperatorLog) -> Vec<LoggedAction> {
    log.list(100, None).await.expect("a page").items
}

pub async fn action_is_read_as_it_was_recorded(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog>>,
) {
    let (port, action) = (fixture.port(), an_action(later(0)));
    port.actions.begin(&action).await.expect("recorded");
    port.actions
        .finish(action.id, Outcome { verb: Verb::Redrive, matched: 3, done: 2 }, later(1))
        .await
        .expect("recorded");
    let [logged] = &listed(&port.log).await[..] else { panic!("one action") };
    assert_eq!(logged.action, action);
    assert_eq!(logged.outcome.clone().map(Value::Object), Some(json!({ "matched": 3, "redriven": 2 })));
}

pub async fn actions_are_listed_newest_first_and_in_pages(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog>>,
) {
    let port = fixture.port();
    let mut actions: Vec<Action> = [5, 0, 0, 9].map(|seconds| an_action(later(seconds))).into();
    for action in &actions {
        port.actions.begin(action).await.expect("recorded");
    }
    actions.sort_by_key(|action| std::cmp::Reverse((action.at, action.id)));
    let expected: Vec<Uuid> = actions.iter().map(|action| action.id).collect();
    let (mut read, mut cursor) = (Vec::new(), None);
    loop {
        let page = port.log.list(3, cursor.as_deref()).await.expect("a page");
        read.extend(page.items.into_iter().map(|logged| logged.action.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(read, expected);
}

pub async fn action_that_did_not_end_has_no_outcome(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog>>,
) {
    let port = fixture.port();
    port.actions.begin(&an_action(later(0))).await.expect("recorded");
    assert_eq!(listed(&port.log).await[0].outcome, None);
}

pub async fn malformed_cursor_of_the_audit_is_rejected(
    fixture: &Fixture<ActionsAndLog<impl OperatorActions, impl OperatorLog>>,
) {
    let failure = fixture.port().log.list(2, Some("x")).await.expect_err("not a cursor");
    assert_eq!((failure.kind, failure.fields[0].pointer.as_str()), (FailureKind::Invalid, "?cursor"));
}
