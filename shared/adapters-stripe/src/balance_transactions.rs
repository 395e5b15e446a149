//! Stripe's balance transactions, page by page.

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

#[derive(Deserialize)]
struct TransactionPage {
    data: Vec<serde_json::Value>,
    has_more: bool,
}

/// The members of a balance transaction that are used.
#[derive(Deserialize)]
struct Transaction {
    amount: i64,
    currency: String,
    fee: i64,
    created: i64,
    source: Option<serde_json::Value>,
}

/// The charge or refund of a balance transaction.
#[derive(Deserialize)]
struct Source {
    id: String,
    amount: i64,
    currency: String,
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

/// Parses a page. Only charges, refunds and returned refunds are included, not payouts, adjustments and the like. A malformed transaction is
/// listed by its id and does not affect the others. One of another environment than this one has no payment here.
pub(super) fn page(status: StatusCode, body: &[u8], environment: &str) -> Result<GatewayStatement, Failure> {
    if !status.is_success() {
        return Err(classify::error_response(status, body));
    }
    let TransactionPage { data, has_more } = classify::read(status, body)?;
    let name = |transaction: &serde_json::Value| transaction["id"].as_str().unwrap_or("?").to_owned();
    let next = has_more.then(|| data.last().map(name)).flatten();
    let mut statement = GatewayStatement { next, ..GatewayStatement::default() };
    for transaction in data {
        let id = name(&transaction);
        let purpose = match transaction["type"].as_str() {
            Some("charge" | "payment") => Purpose::Charge,
            Some("refund" | "payment_refund") => Purpose::Refund,
            Some("refund_failure" | "payment_failure_refund") => Purpose::RefundReversal,
            _ => continue,
        };
        let read = serde_json::from_value::<Transaction>(transaction)
            .map_err(|_| "it is not a balance transaction".to_owned());
        match read.and_then(|transaction| transaction.convert(purpose, environment)) {
            Ok(transaction) => statement.transactions.push(transaction),
            Err(cause) => {
                metrics::count("BalanceTransactionsUndecodable", 1);
                tracing::error!(
                    transaction = id,
                    failure.internal = cause,
                    "a balance transaction of the gateway is malformed"
                );
                statement.unreadable.push(id);
            }
        }
    }
    Ok(statement)
}

impl Transaction {
    fn convert(self, purpose: Purpose, environment: &str) -> Result<GatewayTransaction, String> {
        let source = self.source.ok_or("it has no source")?;
        let source: Source = serde_json::from_value(source).map_err(|_| "its source is neither charge nor refund")?;
        // The id that the charge or refund was recorded with.
        let reference = match purpose {
            Purpose::Charge => source.payment_intent.unwrap_or(source.id),
            _ => source.id,
        };
        let is_of_others = source.metadata.get(metadata::ENVIRONMENT).is_some_and(|theirs| theirs != environment);
        let payment_id = source.metadata.get(metadata::PAYMENT_ID).filter(|_| !is_of_others);
        let payment_id = payment_id.and_then(|id| Uuid::try_parse(id).ok());
        // Outgoing amounts are negative. If it was settled in another currency, only the amount of the source is in the customer's.
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
