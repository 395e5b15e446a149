//! Makes the series of invoices and credit notes continue after the documents that exist, after the database was set back to an earlier moment: no
//! number is given twice.
//!
//! The numbers between are gaps, which are reported: their documents exist, and the database does not know them. Without `apply` it only
//! reports.

use domain::{
    credit_note,
    invoice::{self, Calendar},
    restore::Restored,
};
use edge::direct::Invocation;
use kernel::Failure;
use ports::{Documents, InvoiceStore};
use serde::Serialize;
use std::collections::BTreeSet;

/// A series with documents that the database does not know.
#[derive(Debug, Serialize)]
pub struct MissingRange {
    pub series: String,
    /// The first number that the database does not know.
    pub first: i64,
    /// The last number that has a document.
    pub last: i64,
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub gaps: Vec<MissingRange>,
}

/// Compares the series of the years from the moment until now.
pub async fn handle(
    invoices: &impl InvoiceStore,
    documents: &impl Documents,
    calendar: &Calendar,
    call: Invocation<Restored>,
) -> Result<Report, Failure> {
    let today = calendar.date(call.now);
    let series: BTreeSet<String> = [calendar.date(call.input.from), today]
        .into_iter()
        .flat_map(|date| [calendar.series(date), credit_note::series(calendar, date)])
        .collect();
    let mut gaps = Vec::new();
    for series in series {
        let keys = documents.keys(&format!("{series}/")).await?;
        let (known, highest) = (invoices.last_number(&series).await?, invoice::highest_number(&series, &keys));
        let Some(last) = highest.filter(|highest| *highest > known) else { continue };
        if call.input.apply {
            invoices.raise_series(&series, last, today).await?;
        }
        gaps.push(MissingRange { series, first: known + 1, last });
    }
    Ok(Report { gaps })
}
