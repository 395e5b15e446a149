//! Keys of the actions of operators, by the clock of the database.

use crate::fixtures::*;
use adapters_postgres::PgOperatorActions;
use catalog::{Context, DatabaseRole};
use domain::{
    id::UserId,
    redrive::{Action, OperatorActionKind, OperatorActionResult},
    text::ActionReason,
};
use kernel::{IdempotencyOutcome, StoredReply};
use ports::{OperatorActions, OperatorLog};

fn an_action() -> Action {
    Action {
        id: id(),
        operator: UserId(id()),
        verb: OperatorActionKind::Redrive,
        target: catalog::STOCK_RESERVE.name.to_owned(),
        reason: ActionReason::parse("the gateway is back").expect("a reason"),
        request: serde_json::Map::new(),
        at: now(),
    }
}

#[tokio::test]
async fn key_of_an_action_that_never_ended_is_free_after_its_lease() {
    let database = database().await;
    let actions = PgOperatorActions::new(database.as_role(DatabaseRole::Recorder));
    let (first, second, key) = (an_action(), an_action(), key("k", "f"));
    assert_eq!(actions.begin(&first, Some(&key)).await, Ok(IdempotencyOutcome::Committed));
    let leased = "SELECT count(*) FROM operations.idempotency WHERE expires_at - created_at = interval '1 minute'";
    assert_eq!(database.number(leased).await, 1);
    database.execute("UPDATE operations.idempotency SET expires_at = now()").await;
    assert_eq!(actions.begin(&second, Some(&key)).await, Ok(IdempotencyOutcome::Committed));
    // The first one was slow, not dead: its response is not that of the second.
    let outcome = OperatorActionResult { verb: OperatorActionKind::Redrive, found: 1, succeeded: 1 };
    let of_first = StoredReply { body: "first".to_owned(), ..reply(200) };
    actions.finish(first.id, outcome.clone(), now(), Some((&key, Some(&of_first)))).await.expect("recorded");
    let taken = actions.begin(&an_action(), Some(&key)).await.expect_err("the second one is in progress");
    assert_eq!(taken.code, "idempotency-key-in-flight");
    actions.finish(second.id, outcome, now(), Some((&key, Some(&reply(200))))).await.expect("recorded");
    assert_eq!(actions.begin(&an_action(), Some(&key)).await, Ok(IdempotencyOutcome::Replayed(reply(200))));
    let kept = "SELECT count(*) FROM operations.idempotency WHERE expires_at > now() + interval '23 hours'";
    assert_eq!(database.number(kept).await, 1);
}

/// A payment with a decision about a refund, and the event of the decision by `actor_role`.
const DECISION: &str = "
    INSERT INTO payments.payments (id, order_id, user_id, amount, currency, status, attempts, attempted_at, approvals, version, created_at, updated_at)
    VALUES ($id, $id, $id, 5, 'EUR', 'succeeded', 1, now(),
        '[{\"id\": \"other\", \"decision\": {\"reason\": \"of another refund\"}},
          {\"id\": \"asked\", \"decision\": {\"verdict\": \"rejected\", \"reason\": \"refunded by hand\"}}]', 1, now(), now());
    INSERT INTO operations.event_records (id, type, source, subject, sequence, occurred_at, correlation_id, actor_id, actor_role, data)
    SELECT gen_random_uuid(), type, 'quayside.payments', $id, 3, now(), $id, $id, 'admin', jsonb_build_object('payment_id', $id, 'refund_id', refund)
    FROM (VALUES ('RefundApprovalDecided.v1', 'asked'), ('RefundApprovalDecided.v1', 'unknown'), ('RefundRequested.v1', 'asked')) AS e (type, refund);
";

#[tokio::test]
async fn audit_says_why_a_refund_was_rejected() {
    let database = database().await;
    database.execute(&DECISION.replace("$id", "'0192f0c1-0000-7000-8000-0000000000c1'::uuid")).await;
    let log = PgOperatorActions::new(database.as_role(DatabaseRole::Reader(Context::Operations)));
    let entries = log.list(10, None).await.expect("a page").items;
    let reasons: Vec<_> = entries.iter().filter_map(|entry| entry.reason.as_ref()).map(ActionReason::as_str).collect();
    assert_eq!((entries.len(), reasons), (3, vec!["refunded by hand"]));
}
