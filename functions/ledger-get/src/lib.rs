//! `GET /api/v1/ops/ledger?from=&to=`: what the ledger has of a period, and how it differs from the statement of the gateway, for staff.

use api::LedgerView;
use domain::window;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::Ledger;

/// Maximum number of listed discrepancies.
const MAX_DISCREPANCIES: u32 = 100;

/// Sums up the transfers of the period; of the last day, if none is given.
pub async fn handle(ledger: &impl Ledger, call: Call<NoBody>) -> Result<Reply<LedgerView>, Failure> {
    let period = window::span(call.time("from")?, call.time("to")?, call.now)?;
    let report = ledger.report(&period, MAX_DISCREPANCIES).await?;
    Ok(Reply::ok(LedgerView::new(&period, &report)?))
}
