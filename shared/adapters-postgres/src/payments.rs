//! Payments: one for each order, with its attempts and refunds. A transition is stored only at the version that it starts from.

use super::{
    Database, Relay,
    fragments::{claim_if_given, insert_event, insert_events, insert_idempotency_record, select_idempotency_outcome},
    idempotency, ledger,
    orders::{format_position, parse_cursor},
    params::{Param, params},
    rows::{bigint, count, decodable_page, get, json, money, only, parsed_if, word},
};
use domain::{
    Event,
    id::{OrderId, PaymentId, UserId},
    payment::{AttemptLimit, CustomerAction, Payment, PaymentTransition, Status},
    text::PaymentMethod,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Bus, Claim, DuePayment, Page, PaymentStore, TransitionOutcome, WaitingApprovals};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

/// Counts the attempt `$attempt` of the customer of `$from`'s row, unless as many as `$limit` count at the time `$at`. `counted` has a row if it
/// counts.
macro_rules! count_attempt {
    ($attempt:literal, at $at:literal, limit $limit:literal, from $from:literal) => {
        concat!(
            "counted AS (
                INSERT INTO customer_attempts AS c (user_id, attempts)
                SELECT user_id, jsonb_build_object(",
            $attempt,
            ", ",
            $at,
            ") FROM ",
            $from,
            " ON CONFLICT (user_id) DO UPDATE SET attempts = recent_attempts(c.attempts, ",
            $at,
            ") || excluded.attempts WHERE may_attempt(c.attempts, ",
            $attempt,
            ", ",
            $at,
            ", ",
            $limit,
            ") RETURNING user_id)"
        )
    };
}

/// The update changes nothing and makes `RETURNING` include a row that exists already, even one of a concurrent transaction.
///
/// With the limit `$15`, the attempt `$14` of a new payment is counted first. The row of the customer is locked while it is compared, also
/// with what a concurrent transaction has just stored. Above the limit the payment has no attempt.
const BEGIN: &str = concat!(
    "WITH begun AS (
        SELECT $3 AS user_id WHERE $15 IS NOT NULL AND NOT EXISTS (SELECT FROM payments WHERE order_id = $2)
    ), ",
    count_attempt!("$14", at "$9", limit "$15", from "begun"),
    " INSERT INTO payments (id, order_id, user_id, amount, currency, method, customer, status, attempts, attempted_at, closed, refunds,
        reconcile_after, version, created_at, updated_at)
    SELECT $1, $2, $3, $4, $5, $6, (SELECT customer FROM saved_methods JOIN gateway_customers USING (user_id)
            WHERE token = $6 AND user_id = $3), $7, CASE WHEN $15 IS NULL OR EXISTS (SELECT FROM counted) THEN $8 ELSE 0 END, $9, $10, '[]',
        $11, $12, $13, $13
    ON CONFLICT (order_id) DO UPDATE SET order_id = excluded.order_id
    RETURNING *",
);

const GET: &str = "SELECT * FROM payments WHERE id = $1 AND ($2 IS NULL OR user_id = $2)";

const FIND_BY_ORDER: &str = "SELECT * FROM payments WHERE order_id = $1 AND ($2 IS NULL OR user_id = $2)";

const FIND_BY_TRANSACTION: &str = "SELECT * FROM payments WHERE transaction_id = $1 ORDER BY created_at LIMIT 1";

const DUE_FOR_RECONCILIATION: &str = "SELECT * FROM payments
    WHERE reconcile_after < $1 AND ($3::timestamptz IS NULL OR (reconcile_after, id) > ($3, $4::uuid)) ORDER BY reconcile_after, id LIMIT $2";

const POSTPONE: &str = "UPDATE payments SET reconcile_after = $3 WHERE id = $1 AND version = $2 RETURNING id";

const MISMATCHED: &str = "SELECT * FROM payments
    WHERE mismatched_at IS NOT NULL AND ($1::timestamptz IS NULL OR (mismatched_at, id) < ($1, $2::uuid))
    ORDER BY mismatched_at DESC, id DESC LIMIT $3";

const AWAITING_APPROVAL: &str = "SELECT * FROM payments
    WHERE awaits_approval_since IS NOT NULL AND ($1::timestamptz IS NULL OR (awaits_approval_since, id) > ($1, $2::uuid))
    ORDER BY awaits_approval_since, id LIMIT $3";

const WAITING_APPROVALS: &str = "SELECT count(*) AS refunds, min(awaits_approval_since) AS oldest
    FROM payments, jsonb_array_elements(approvals) AS one
    WHERE awaits_approval_since IS NOT NULL AND one.value ->> 'decision' IS NULL";

/// Stores the transition for a row of `$from`, with its transfers and events. The parameters from `$6` on are those of [`transition`]. The payment of
/// a deleted user keeps no reason of a decision.
macro_rules! store_transition {
    (from $from:literal) => {
        concat!(
            "updated AS (
                UPDATE payments AS p
                SET version = $7, status = $8, method = $9, attempts = $10, attempted_at = $11, closed = $12,
                    transaction_id = $13, decline_code = $14, refunds = $15, updated_at = $17,
                    reconcile_after = CASE WHEN $16 IS NOT NULL THEN greatest($16, p.reconcile_after) END,
                    mismatches = $20, mismatched_at = $21, disputes = $22, action = $23, customer = $24,
                    approvals = CASE WHEN EXISTS (SELECT FROM gateway_customers AS g WHERE g.user_id = p.user_id AND g.is_deleted)
                        THEN without_reasons($25) ELSE $25 END,
                    awaits_approval_since = $26
                FROM ",
            $from,
            " WHERE p.id = $6
                RETURNING p.id, p.user_id, p.order_id::text || '/' || p.attempts::text AS attempt
            ), succeeded AS (
                UPDATE customer_attempts AS c SET attempts = c.attempts - updated.attempt
                FROM updated WHERE c.user_id = updated.user_id AND c.attempts ? updated.attempt AND $8 = 'succeeded'
            ), ",
            ledger::post_transfers!("$18", from "updated"),
            ", ",
            insert_events!("$19", from "updated"),
        )
    };
}

/// Locks the payment at the version that the transition starts from. At another version, nothing is written.
const ADVANCE: &str = concat!(
    "WITH before AS (
        SELECT id FROM payments WHERE id = $6 AND version = $7 - 1 FOR NO KEY UPDATE
    ), ",
    claim_if_given!(),
    ", ",
    store_transition!(from "proceed_rows"),
    " SELECT EXISTS (SELECT FROM updated) AS updated, EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = $2) AS known,
        $3::text, $4::text, $5::text",
);

/// Like [`ADVANCE`], with an idempotency record that is inserted only together with the transition. With the limit `$28`, the attempt `$27`
/// is counted first. Above the limit nothing is stored, and `oldest` is the start of the oldest attempt that counts.
const ADVANCE_WITH_REPLY: &str = concat!(
    "WITH before AS (
        SELECT id, user_id FROM payments WHERE id = $6 AND version = $7 - 1 FOR NO KEY UPDATE
    ), limited AS (
        SELECT user_id FROM before WHERE $28 IS NOT NULL
    ), ",
    count_attempt!("$27", at "$11", limit "$28", from "limited"),
    ", proceed_rows AS (
        SELECT id FROM before WHERE $28 IS NULL OR EXISTS (SELECT FROM counted)
    ), ",
    insert_idempotency_record!(from "proceed_rows"),
    ", ",
    store_transition!(from "recorded"),
    select_idempotency_outcome!(
        with "(SELECT min((one.value #>> '{}')::timestamptz) FROM limited JOIN customer_attempts USING (user_id),
            jsonb_each(recent_attempts(attempts, $11)) AS one WHERE NOT EXISTS (SELECT FROM proceed_rows)) AS oldest"
    ),
);

const RECORD_EVENT: &str = concat!("WITH one AS (SELECT 1), ", insert_event!("$1", from "one"), " SELECT 1 AS done");

#[derive(Debug)]
pub struct PgPayments<B> {
    pub(super) relay: Relay<B>,
}

impl<B: Bus> PgPayments<B> {
    /// `database` logs in as the role of payments.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Payments, database, bus) }
    }

    /// A page of a list that is ordered by the time that `at` returns.
    async fn page(
        &self,
        statement: &str,
        at: impl Fn(&Payment) -> Option<Timestamp>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Payment>, Failure> {
        let (after, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.relay.database().query(statement, &params![after, id, i64::from(limit) + 1]).await?;
        let items: Vec<Payment> = rows.iter().take(page_size).map(read).collect::<Result<_, _>>()?;
        let last = items.last().filter(|_| rows.len() > page_size);
        let next = last.and_then(|last| Some(format_position(at(last)?, last.id.0)));
        Ok(Page { items, next })
    }
}

impl<B: Bus> PaymentStore for PgPayments<B> {
    async fn begin(&self, payment: &Payment, limit: Option<AttemptLimit>) -> Result<Payment, Failure> {
        let params = params![
            payment.id.0,
            payment.order_id.0,
            payment.user_id.0,
            payment.amount.amount.get(),
            payment.amount.currency.code(),
            payment.method.as_ref().map(PaymentMethod::as_str),
            payment.status.name(),
            attempts(payment)?,
            payment.attempted_at,
            payment.closed,
            payment.reconcile_after(),
            bigint(payment.version)?,
            payment.created_at,
            payment.attempt_name(),
            limit.map(|limit| i64::from(limit.failed)),
        ];
        read(only(&self.relay.database().query(BEGIN, &params).await?)?)
    }

    async fn get(&self, id: PaymentId, owner: Option<UserId>) -> Result<Option<Payment>, Failure> {
        let rows = self.relay.database().query(GET, &params![id.0, owner.map(|owner| owner.0)]).await?;
        rows.first().map(read).transpose()
    }

    async fn find_by_order(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Payment>, Failure> {
        let rows = self.relay.database().query(FIND_BY_ORDER, &params![order.0, owner.map(|owner| owner.0)]).await?;
        rows.first().map(read).transpose()
    }

    async fn find_by_transaction(&self, transaction_id: &str) -> Result<Option<Payment>, Failure> {
        let rows = self.relay.database().query(FIND_BY_TRANSACTION, &params![transaction_id]).await?;
        rows.first().map(read).transpose()
    }

    async fn advance(
        &self,
        claim: Option<Claim>,
        change: &PaymentTransition,
        events: &[Event],
    ) -> Result<TransitionOutcome, Failure> {
        let mut params = params![
            claim.map(|claim| claim.consumer),
            claim.map(|claim| claim.event_id),
            None::<&str>,
            None::<&str>,
            None::<&str>,
        ]
        .into_iter()
        .collect::<Vec<_>>();
        params.extend(transition(change, events)?);
        let rows = self.relay.database().query(ADVANCE, &params).await?;
        let row = only(&rows)?;
        if get(row, "updated")? {
            self.relay.publish(events).await;
            return Ok(TransitionOutcome::Applied);
        }
        Ok(if get(row, "known")? { TransitionOutcome::AlreadyApplied } else { TransitionOutcome::VersionConflict })
    }

    async fn advance_with_reply(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        change: &PaymentTransition,
        events: &[Event],
        limit: Option<AttemptLimit>,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let mut params = params![&key.scope, &key.key, &key.fingerprint, idempotency::reply_head(reply), &reply.body]
            .into_iter()
            .collect::<Vec<_>>();
        params.extend(transition(change, events)?);
        params.extend(params![change.payment.attempt_name(), limit.map(|limit| i64::from(limit.failed))]);
        let rows = self.relay.database().query(ADVANCE_WITH_REPLY, &params).await?;
        let outcome = idempotency::outcome(key, &rows)?;
        if let (None, Some(oldest)) = (&outcome, get::<Option<Timestamp>>(only(&rows)?, "oldest")?) {
            return Err(AttemptLimit::refuse(oldest, change.payment.attempted_at));
        }
        if outcome == Some(IdempotencyOutcome::Committed) {
            self.relay.publish(events).await;
        }
        Ok(outcome)
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        idempotency::store_response(self.relay.database(), key, reply).await
    }

    async fn record_event(&self, event: &Event) -> Result<(), Failure> {
        self.relay.database().query(RECORD_EVENT, &params![Json(event)]).await?;
        self.relay.publish(std::slice::from_ref(event)).await;
        Ok(())
    }

    async fn due_for_reconciliation(
        &self,
        before: Timestamp,
        after: Option<&DuePayment>,
        limit: u32,
    ) -> Result<Vec<DuePayment>, Failure> {
        let after = after.map(|after| (after.since, after.payment.id.0));
        let read = |row: &Row| Ok(DuePayment { payment: read(row)?, since: get(row, "reconcile_after")? });
        let page = async |after: Option<(Timestamp, Uuid)>| {
            let (since, id) = after.unzip();
            let params = params![before, i64::from(limit), since, id];
            self.relay.database().query(DUE_FOR_RECONCILIATION, &params).await
        };
        decodable_page("payments.payments", after, ("reconcile_after", "id"), page, read).await
    }

    async fn postpone_reconciliation(&self, payment: &Payment, until: Timestamp) -> Result<(), Failure> {
        let params = params![payment.id.0, bigint(payment.version)?, until];
        self.relay.database().query(POSTPONE, &params).await.map(drop)
    }

    async fn mismatched(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure> {
        self.page(MISMATCHED, Payment::mismatched_at, limit, cursor).await
    }

    async fn awaiting_approval(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure> {
        self.page(AWAITING_APPROVAL, Payment::awaits_approval_since, limit, cursor).await
    }

    async fn waiting_approvals(&self) -> Result<WaitingApprovals, Failure> {
        let rows = self.relay.database().query(WAITING_APPROVALS, &[]).await?;
        let row = only(&rows)?;
        Ok(WaitingApprovals { refunds: count(row, "refunds")?, oldest: get(row, "oldest")? })
    }
}

/// The parameters `$6` to `$26` of a transition.
fn transition<'a>(change: &'a PaymentTransition, events: &'a [Event]) -> Result<Vec<Param<'a>>, Failure> {
    let payment = &change.payment;
    let params = params![
        payment.id.0,
        bigint(payment.version)?,
        payment.status.name(),
        payment.method.as_ref().map(PaymentMethod::as_str),
        attempts(payment)?,
        payment.attempted_at,
        payment.closed,
        payment.transaction_id.as_deref(),
        payment.decline_code.as_deref(),
        Json(&payment.refunds),
        payment.reconcile_after(),
        payment.updated_at,
        Json(ledger::rows(&change.transfers)),
        Json(events),
        Json(&payment.mismatches),
        payment.mismatched_at(),
        Json(&payment.disputes),
        payment.action.as_ref().map(Json),
        payment.customer.as_deref(),
        Json(&payment.approvals),
        payment.awaits_approval_since(),
    ];
    Ok(params.into_iter().collect())
}

fn attempts(payment: &Payment) -> Result<i32, Failure> {
    i32::try_from(payment.attempts).map_err(Failure::internal)
}

fn read(row: &Row) -> Result<Payment, Failure> {
    Ok(Payment {
        id: PaymentId(get(row, "id")?),
        order_id: OrderId(get(row, "order_id")?),
        user_id: UserId(get(row, "user_id")?),
        amount: money(row, "amount", "currency")?,
        method: parsed_if(row, "method", PaymentMethod::parse)?,
        customer: get(row, "customer")?,
        status: word(row, "status", Status::parse)?,
        attempts: u32::try_from(get::<i32>(row, "attempts")?).map_err(Failure::internal)?,
        attempted_at: get(row, "attempted_at")?,
        closed: get(row, "closed")?,
        action: get::<Option<Json<CustomerAction>>>(row, "action")?.map(|Json(action)| action),
        transaction_id: get(row, "transaction_id")?,
        decline_code: get(row, "decline_code")?,
        refunds: json(row, "refunds")?,
        mismatches: json(row, "mismatches")?,
        disputes: json(row, "disputes")?,
        approvals: json(row, "approvals")?,
        version: count(row, "version")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_far_below_the_size_that_pins_the_proxy() {
        let reads =
            [GET, FIND_BY_ORDER, FIND_BY_TRANSACTION, DUE_FOR_RECONCILIATION, MISMATCHED, AWAITING_APPROVAL, POSTPONE];
        for sql in reads.into_iter().chain([WAITING_APPROVALS, BEGIN, ADVANCE, ADVANCE_WITH_REPLY, RECORD_EVENT]) {
            assert!(sql.len() < 4096);
        }
    }
}
