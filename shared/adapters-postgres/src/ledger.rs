//! The ledger: transfers, posted once and never changed; and the statement of the gateway that it is compared with.

use super::{
    Database, Relay,
    fragments::insert_events,
    params::params,
    rows::{Source, count, decodable, get, json, money, only, word},
};
use domain::{
    Event, Money,
    id::{PaymentId, RefundId},
    ledger::{Discrepancy, GatewayTransaction, PostedLine, Purpose, StatedLine, Transfer},
    reconciliation::{self, ComparisonProgress, LinePosition, Lines, ReconciliationProgress, Report, StepResult},
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Bus, Ledger};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, ops::Range, sync::Arc};
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

const PROGRESS: &str = "SELECT progress FROM reconciliation";

/// The comparable period is that of `domain::reconciliation::comparable`.
const REPORT: &str = "
    WITH state AS (
        SELECT progress, (progress->>'read_until')::timestamptz - make_interval(secs => $3) AS since,
            (progress->>'read_until')::timestamptz - make_interval(secs => $4) AS until
        FROM reconciliation
    ), totals AS (
        SELECT purpose, currency, count(*) AS transfers, sum(amount)::bigint AS amount
        FROM transfers WHERE at >= $1 AND at < $2 GROUP BY purpose, currency
    ), stated AS (
        SELECT l.purpose, l.reference, t.amount AS posted, t.currency AS posted_currency, l.amount AS stated,
            l.currency AS stated_currency
        FROM state, statement_lines AS l
        LEFT JOIN transfers AS t ON t.purpose = l.purpose AND t.reference = l.reference
        WHERE l.at >= state.since AND l.at < state.until AND (l.amount, l.currency) IS DISTINCT FROM (t.amount, t.currency)
        ORDER BY l.reference, l.purpose LIMIT $6
    ), unstated AS (
        SELECT t.purpose, t.reference, t.amount, t.currency
        FROM state, transfers AS t
        WHERE t.at >= state.since AND t.at < state.until AND t.purpose = ANY ($5) AND NOT EXISTS (
            SELECT FROM statement_lines AS l WHERE l.purpose = t.purpose AND l.reference = t.reference
        )
        ORDER BY t.reference, t.purpose LIMIT $6
    ), differing AS (
        SELECT * FROM stated UNION ALL SELECT purpose, reference, amount, currency, NULL, NULL FROM unstated
        ORDER BY reference, purpose LIMIT $6
    )
    SELECT progress, (
        SELECT coalesce(jsonb_agg(to_jsonb(totals) ORDER BY purpose, currency), '[]') FROM totals
    ) AS totals, (
        SELECT coalesce(jsonb_agg(to_jsonb(differing) ORDER BY reference, purpose), '[]') FROM differing
    ) AS differing
    FROM state";

const STATED: &str = "
    SELECT l.*, t.amount AS posted_amount, t.currency AS posted_currency, fee.reference IS NOT NULL AS has_fee
    FROM statement_lines AS l
    LEFT JOIN transfers AS t ON t.purpose = l.purpose AND t.reference = l.reference
    LEFT JOIN transfers AS fee ON fee.purpose = 'fee' AND fee.reference = l.reference
    WHERE l.at >= $1 AND l.at < $2 AND ($3 IS NULL OR (l.at, l.purpose, l.reference) > ($3, $4, $5))
    ORDER BY l.at, l.purpose, l.reference LIMIT $6";

const POSTED: &str = "
    SELECT t.*, EXISTS (
        SELECT FROM statement_lines AS l WHERE l.purpose = t.purpose AND l.reference = t.reference
    ) AS is_stated
    FROM transfers AS t
    WHERE t.at >= $1 AND t.at < $2 AND ($3 IS NULL OR (t.at, t.purpose, t.reference) > ($3, $4, $5))
    ORDER BY t.at, t.purpose, t.reference LIMIT $6";

const ADVANCE: &str = concat!(
    "WITH advanced AS (UPDATE reconciliation SET progress = $2 WHERE progress = $1 RETURNING 1),
    stored AS (
        INSERT INTO statement_lines (purpose, reference, payment_id, amount, currency, fee, fee_currency, at)
        SELECT one.* FROM advanced, jsonb_to_recordset($3) AS one (
            purpose text, reference text, payment_id uuid, amount bigint, currency text, fee bigint, fee_currency text,
            at timestamptz
        )
        ON CONFLICT DO NOTHING
    ), ",
    post_transfers!("$4", from "advanced"),
    ", ",
    insert_events!("$5", from "advanced"),
    " SELECT count(*) AS steps FROM advanced"
);

const UNPOSTED: &str = "
    SELECT one.number FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS one (purpose, reference, number)
    WHERE NOT EXISTS (SELECT FROM transfers AS t WHERE t.purpose = one.purpose AND t.reference = one.reference)";

const POST: &str = concat!(
    "WITH always AS (SELECT), ",
    post_transfers!("$1", from "always"),
    ", ",
    insert_events!("$2", from "always"),
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

impl<B: Bus> PgLedger<B> {
    /// One page of the lines of a comparison, from a table.
    async fn page<T>(
        &self,
        (table, sql): (&'static str, &str),
        comparison: &ComparisonProgress,
        limit: u32,
        read: impl Fn(&Row) -> Result<T, Failure>,
    ) -> Result<Lines<T>, Failure> {
        let after = comparison.after.as_ref();
        let params = params![
            comparison.from,
            comparison.to,
            after.map(|after| after.at),
            after.map(|after| after.purpose.as_str()),
            after.map(|after| after.reference.as_str()),
            i64::from(limit),
        ];
        let rows = self.relay.database().query(sql, &params).await?;
        let is_full = u64::try_from(rows.len()).is_ok_and(|count| count >= u64::from(limit));
        let next = rows.last().filter(|_| is_full).map(position).transpose()?;
        Ok(Lines { lines: decodable(Source { table, id: "reference" }, &rows, read), next })
    }
}

impl<B: Bus> Ledger for PgLedger<B> {
    async fn progress(&self) -> Result<ReconciliationProgress, Failure> {
        json(only(&self.relay.database().query(PROGRESS, &[]).await?)?, "progress")
    }

    async fn report(&self, period: &Range<Timestamp>, limit: u32) -> Result<Report, Failure> {
        let compared: Vec<&str> = Purpose::ALL.iter().filter(|one| one.is_compared()).map(|one| one.name()).collect();
        let (span, margin) = (seconds(reconciliation::SPAN_S)?, seconds(reconciliation::CLOCK_MARGIN_S)?);
        let params = params![period.start, period.end, span, margin, compared, i64::from(limit)];
        let rows = self.relay.database().query(REPORT, &params).await?;
        let row = only(&rows)?;
        let differing: Vec<DiscrepancyRow> = json(row, "differing")?;
        let discrepancies = differing.into_iter().map(DiscrepancyRow::discrepancy).collect::<Result<Vec<_>, _>>()?;
        Ok(Report {
            totals: json(row, "totals")?,
            progress: json(row, "progress")?,
            discrepancies: discrepancies.into_iter().flatten().collect(),
        })
    }

    async fn stated(&self, comparison: &ComparisonProgress, limit: u32) -> Result<Lines<StatedLine>, Failure> {
        self.page(("payments.statement_lines", STATED), comparison, limit, stated_line).await
    }

    async fn posted(&self, comparison: &ComparisonProgress, limit: u32) -> Result<Lines<PostedLine>, Failure> {
        let line = |row: &Row| Ok(PostedLine { transfer: read(row)?, is_stated: get(row, "is_stated")? });
        self.page(("payments.transfers", POSTED), comparison, limit, line).await
    }

    async fn unposted(&self, transactions: Vec<GatewayTransaction>) -> Result<Vec<GatewayTransaction>, Failure> {
        let purposes: Vec<&str> = transactions.iter().map(|one| one.purpose.name()).collect();
        let references: Vec<&str> = transactions.iter().map(|one| one.reference.as_str()).collect();
        let rows = self.relay.database().query(UNPOSTED, &params![purposes, references]).await?;
        let numbers = rows.iter().map(|row| get(row, "number")).collect::<Result<HashSet<i64>, _>>()?;
        Ok((1..).zip(transactions).filter(|(number, _)| numbers.contains(number)).map(|(_, one)| one).collect())
    }

    async fn post(&self, transfers: &[Transfer], event: &Event) -> Result<(), Failure> {
        let events = std::slice::from_ref(event);
        self.relay.database().query(POST, &params![Json(rows(transfers)), Json(events)]).await?;
        self.relay.publish(events).await;
        Ok(())
    }

    async fn advance(
        &self,
        before: &ReconciliationProgress,
        outcome: &StepResult,
        events: &[Event],
    ) -> Result<bool, Failure> {
        let lines: Vec<LineRow<'_>> = outcome.transactions.iter().map(LineRow::from).collect();
        let params =
            params![Json(before), Json(&outcome.progress), Json(lines), Json(rows(&outcome.fees)), Json(events),];
        let steps = count(only(&self.relay.database().query(ADVANCE, &params).await?)?, "steps")?;
        if steps > 0 {
            self.relay.publish(events).await;
        }
        Ok(steps > 0)
    }
}

fn seconds(count: i64) -> Result<f64, Failure> {
    Ok(f64::from(i32::try_from(count).map_err(Failure::internal)?))
}

/// A transaction on which ledger and statement disagree.
#[derive(Debug, Deserialize)]
struct DiscrepancyRow {
    purpose: Purpose,
    reference: String,
    posted: Option<i64>,
    posted_currency: Option<String>,
    stated: Option<i64>,
    stated_currency: Option<String>,
}

impl DiscrepancyRow {
    fn discrepancy(self) -> Result<Option<Discrepancy>, Failure> {
        let money = |minor: Option<i64>, code: Option<String>| {
            minor.zip(code).map(|(minor, code)| Money::new(minor, &code)).transpose().map_err(Failure::internal)
        };
        let (posted, stated) = (money(self.posted, self.posted_currency)?, money(self.stated, self.stated_currency)?);
        Ok(Discrepancy::between(self.purpose, &self.reference, posted, stated))
    }
}

#[derive(Debug, Serialize)]
struct LineRow<'a> {
    purpose: &'static str,
    reference: &'a str,
    payment_id: Option<PaymentId>,
    amount: i64,
    currency: &'static str,
    fee: i64,
    fee_currency: &'static str,
    at: Timestamp,
}

impl<'a> From<&'a GatewayTransaction> for LineRow<'a> {
    fn from(transaction: &'a GatewayTransaction) -> Self {
        Self {
            purpose: transaction.purpose.name(),
            reference: &transaction.reference,
            payment_id: transaction.payment_id,
            amount: transaction.amount.amount.get(),
            currency: transaction.amount.currency.code(),
            fee: transaction.fee.amount.get(),
            fee_currency: transaction.fee.currency.code(),
            at: transaction.at,
        }
    }
}

/// The position of a line, which consists of columns that are never absent.
fn position(row: &Row) -> Result<LinePosition, Failure> {
    Ok(LinePosition { at: get(row, "at")?, purpose: get(row, "purpose")?, reference: get(row, "reference")? })
}

fn stated_line(row: &Row) -> Result<StatedLine, Failure> {
    let transaction = GatewayTransaction {
        purpose: word(row, "purpose", Purpose::parse)?,
        reference: get(row, "reference")?,
        payment_id: get::<Option<Uuid>>(row, "payment_id")?.map(PaymentId),
        amount: money(row, "amount", "currency")?,
        fee: money(row, "fee", "fee_currency")?,
        at: get(row, "at")?,
    };
    let is_posted = get::<Option<i64>>(row, "posted_amount")?.is_some();
    let posted = if is_posted { Some(money(row, "posted_amount", "posted_currency")?) } else { None };
    Ok(StatedLine { transaction, posted, has_fee: get(row, "has_fee")? })
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
        purpose: word(row, "purpose", Purpose::parse)?,
        reference: get(row, "reference")?,
        payment_id: get::<Option<Uuid>>(row, "payment_id")?.map(PaymentId),
        refund_id: get::<Option<Uuid>>(row, "refund_id")?.map(RefundId),
        amount: money(row, "amount", "currency")?,
        at: get(row, "at")?,
    })
}
