//! The ledger: transfers, posted once and never changed.

use super::{
    Database, Relay,
    fragments::insert_event,
    params::params,
    rows::{get, keyword, money},
};
use domain::{
    Event,
    id::{PaymentId, RefundId},
    ledger::{Purpose, Transfer},
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Bus, Ledger};
use serde::Serialize;
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

/// Posts each transfer of the array `$transfers` (jsonb, as [`rows`] makes it), for every row of `$from`, unless it is posted already.
macro_rules! post_transfers {
    ($transfers:literal, from $from:literal) => {
        concat!(
            "posted AS (
                INSERT INTO transfers (purpose, reference, payment_id, refund_id, debit, credit, amount, currency, at)
                SELECT one.purpose, one.reference, one.payment_id, one.refund_id, one.debit, one.credit, one.amount,
                    one.currency, one.at
                FROM ",
            $from,
            ", jsonb_to_recordset(",
            $transfers,
            ") AS one (purpose text, reference text, payment_id uuid, refund_id uuid, debit text, credit text,
                    amount bigint, currency text, at timestamptz)
                ON CONFLICT DO NOTHING
            )"
        )
    };
}
pub(super) use post_transfers;

const BETWEEN: &str = "SELECT * FROM transfers WHERE at >= $1 AND at < $2 ORDER BY at, purpose, reference";

const POST: &str = concat!(
    "WITH always AS (SELECT), ",
    post_transfers!("$1", from "always"),
    ", ",
    insert_event!("$2", from "always"),
    " SELECT 1 AS done"
);

#[derive(Debug)]
pub struct PgLedger<B> {
    relay: Relay<B>,
}

impl<B: Bus> PgLedger<B> {
    /// `database` logs in as the role of payments.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Payments, database, bus) }
    }
}

impl<B: Bus> Ledger for PgLedger<B> {
    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Transfer>, Failure> {
        self.relay.database().query(BETWEEN, &params![from, to]).await?.iter().map(read).collect()
    }

    async fn post(&self, transfers: &[Transfer], event: &Event) -> Result<(), Failure> {
        self.relay.database().query(POST, &params![Json(rows(transfers)), Json(event)]).await?;
        self.relay.publish(std::slice::from_ref(event)).await;
        Ok(())
    }
}

#[derive(Debug, Serialize)]
pub(super) struct TransferRow<'a> {
    purpose: &'static str,
    reference: &'a str,
    payment_id: Option<PaymentId>,
    refund_id: Option<RefundId>,
    debit: &'static str,
    credit: &'static str,
    amount: i64,
    currency: &'static str,
    at: Timestamp,
}

pub(super) fn rows(transfers: &[Transfer]) -> Vec<TransferRow<'_>> {
    transfers.iter().map(TransferRow::from).collect()
}

impl<'a> From<&'a Transfer> for TransferRow<'a> {
    fn from(transfer: &'a Transfer) -> Self {
        let (debit, credit) = transfer.purpose.accounts();
        Self {
            purpose: transfer.purpose.name(),
            reference: &transfer.reference,
            payment_id: transfer.payment_id,
            refund_id: transfer.refund_id,
            debit: debit.name(),
            credit: credit.name(),
            amount: transfer.amount.amount.get(),
            currency: transfer.amount.currency.code(),
            at: transfer.at,
        }
    }
}

fn read(row: &Row) -> Result<Transfer, Failure> {
    Ok(Transfer {
        purpose: keyword(row, "purpose", Purpose::parse)?,
        reference: get(row, "reference")?,
        payment_id: get::<Option<Uuid>>(row, "payment_id")?.map(PaymentId),
        refund_id: get::<Option<Uuid>>(row, "refund_id")?.map(RefundId),
        amount: money(row, "amount", "currency")?,
        at: get(row, "at")?,
    })
}
