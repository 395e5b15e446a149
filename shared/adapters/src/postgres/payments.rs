//! Payments: one an order, begun once and concluded once.

use super::{
    Database, Relay,
    fragments::{announce, claim},
    params::params,
    rows::{count, counted, get, money, only, parsed, word},
};
use domain::{
    Event,
    id::{OrderId, PaymentId, UserId},
    payment::{Answer, Payment, Status},
    text::PaymentMethod,
};
use kernel::Failure;
use ports::{Bus, Claim, PaymentStore};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

/// An update that changes nothing makes the row that was there before come back, whoever has just written it.
const BEGIN: &str = "
    INSERT INTO payments (id, order_id, user_id, amount, currency, method, status, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
    ON CONFLICT (order_id) DO UPDATE SET order_id = excluded.order_id
    RETURNING *";

const CONCLUDE: &str = concat!(
    "WITH open AS (
        SELECT id FROM payments WHERE id = $3 AND status = 'pending' FOR NO KEY UPDATE
    ), ",
    claim!(from "open"),
    ", kept AS (
        UPDATE payments AS p
        SET status = $4, transaction_id = $5, decline_code = $6, version = p.version + 1,
            updated_at = ($7 ->> 'time')::timestamptz
        FROM open WHERE p.id = open.id
        RETURNING p.id
    ), ",
    announce!("$7", from "kept"),
    " SELECT EXISTS (SELECT FROM kept) AS kept, EXISTS (SELECT FROM payments WHERE id = $3) AS begun",
);

/// Payments in the schema of payments.
#[derive(Debug)]
pub struct PgPayments<B> {
    relay: Relay<B>,
}

impl<B: Bus> PgPayments<B> {
    /// Over `database`, as the role of payments.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(database, bus) }
    }
}

impl<B: Bus> PaymentStore for PgPayments<B> {
    async fn begin(&self, payment: &Payment) -> Result<Payment, Failure> {
        let params = params![
            payment.id.0,
            payment.order_id.0,
            payment.user_id.0,
            payment.amount.amount.get(),
            payment.amount.currency.code(),
            payment.method.as_str(),
            payment.status.name(),
            counted(payment.version)?,
            payment.created_at,
        ];
        read(only(&self.relay.database().query(BEGIN, &params).await?)?)
    }

    async fn conclude(
        &self,
        claim: Claim,
        payment: &Payment,
        status: Status,
        answer: &Answer,
        event: &Event,
    ) -> Result<bool, Failure> {
        let (charged, declined) = match answer {
            Answer::Charged(transaction) => (Some(transaction.as_str()), None),
            Answer::Declined(code) => (None, Some(code.as_str())),
        };
        let params =
            params![claim.consumer, claim.event_id, payment.id.0, status.name(), charged, declined, Json(event),];
        let rows = self.relay.database().query(CONCLUDE, &params).await?;
        let row = only(&rows)?;
        if get(row, "kept")? {
            self.relay.send(std::slice::from_ref(event)).await;
            Ok(true)
        } else if get(row, "begun")? {
            Ok(false)
        } else {
            Err(Failure::internal("a payment was concluded that was never begun"))
        }
    }
}

fn read(row: &Row) -> Result<Payment, Failure> {
    let status = |name: &str| {
        [Status::Pending, Status::Succeeded, Status::Failed].into_iter().find(|status| status.name() == name)
    };
    Ok(Payment {
        id: PaymentId(get(row, "id")?),
        order_id: OrderId(get(row, "order_id")?),
        user_id: UserId(get(row, "user_id")?),
        amount: money(row, "amount", "currency")?,
        method: parsed(row, "method", PaymentMethod::parse)?,
        status: word(row, "status", status)?,
        version: count(row, "version")?,
        created_at: get(row, "created_at")?,
    })
}
