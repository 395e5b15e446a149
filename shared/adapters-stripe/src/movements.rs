//! The gateway's own ledger: its balance transactions, page by page.

use super::classify::{self, Metadata};
use super::metadata;
use domain::Money;
use domain::id::PaymentId;
use domain::ledger::{GatewayStatement, GatewayTransaction, Purpose};
use edge::telemetry::metrics;
use kernel::{Failure, Timestamp, Uuid};
use reqwest::StatusCode;
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// A page, and what to ask the next one after.
pub(super) struct Page {
    pub(super) statement: GatewayStatement,
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    data: Vec<serde_json::Value>,
    has_more: bool,
}

/// A balance transaction: what their ledger says.
#[derive(Deserialize)]
struct Transaction {
    amount: i64,
    currency: String,
    fee: i64,
    created: i64,
    source: Option<serde_json::Value>,
}

/// What it is about: a charge or a refund.
#[derive(Deserialize)]
struct Source {
    id: String,
    amount: i64,
    currency: String,
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

/// Reads a page. Payouts, adjustments and whatever else is no movement between a customer and us is left out; one that cannot be read
/// is named, and the others count all the same.
pub(super) fn page(status: StatusCode, body: &[u8]) -> Result<Page, Failure> {
    if !status.is_success() {
        return Err(classify::refused(status, body));
    }
    let Listed { data, has_more } = classify::read(status, body)?;
    let name = |transaction: &serde_json::Value| transaction["id"].as_str().unwrap_or("?").to_owned();
    let next = has_more.then(|| data.last().map(name)).flatten();
    let mut statement = GatewayStatement::default();
    for transaction in data {
        let id = name(&transaction);
        let purpose = match transaction["type"].as_str() {
            Some("charge" | "payment") => Purpose::Charge,
            Some("refund" | "payment_refund") => Purpose::Refund,
            _ => continue,
        };
        let read =
            serde_json::from_value::<Transaction>(transaction).map_err(|_| "it is no balance transaction".to_owned());
        match read.and_then(|transaction| transaction.movement(purpose)) {
            Ok(movement) => statement.transactions.push(movement),
            Err(cause) => {
                metrics::count("GatewayMovementsUndecodable", 1);
                tracing::error!(transaction = id, cause, "a balance transaction of the gateway cannot be read");
                statement.unreadable.push(id);
            }
        }
    }
    Ok(Page { statement, next })
}

impl Transaction {
    fn movement(self, purpose: Purpose) -> Result<GatewayTransaction, String> {
        let source = self.source.ok_or("it has no source")?;
        let source: Source = serde_json::from_value(source).map_err(|_| "its source is neither charge nor refund")?;
        // Our name for it is the one that it had when it was charged or given back.
        let reference = match purpose {
            Purpose::Charge => source.payment_intent.unwrap_or(source.id),
            Purpose::Refund | Purpose::Fee => source.id,
        };
        let payment_id = source.metadata.get(metadata::PAYMENT_ID).and_then(|id| Uuid::try_parse(id).ok());
        // What goes out is negative there. Where it was settled in another currency than the customer's, theirs is what we know.
        let amount = match self.currency == source.currency {
            true => self.amount.saturating_abs(),
            false => source.amount,
        };
        Ok(GatewayTransaction {
            purpose,
            reference,
            payment_id: payment_id.map(PaymentId),
            amount: Money::new(amount, &source.currency.to_ascii_uppercase())?,
            fee: Money::new(self.fee, &self.currency.to_ascii_uppercase())?,
            at: Timestamp::from_second(self.created).map_err(|cause| cause.to_string())?,
        })
    }
}
