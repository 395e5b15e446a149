//! Keys of the actions of operators, by the clock of the database.

use crate::fixtures::*;
use adapters_postgres::PgOperatorActions;
use catalog::DatabaseRole;
use domain::{
    id::UserId,
    redrive::{Action, OperatorActionKind, OperatorActionResult},
    text::ActionReason,
};
use kernel::{IdempotencyOutcome, StoredReply};
use ports::OperatorActions;

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
