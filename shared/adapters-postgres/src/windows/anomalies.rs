//! The anomalies of closed windows.

use crate::{
    Database,
    orders::{format_position, parse_cursor},
    params::params,
    rows::{get, word},
};
use domain::{
    event::AnomalyDetected,
    money::Currency,
    window::{FoundAnomaly, WINDOW_SECONDS, anomaly::Metric},
};
use kernel::{Failure, Timestamp, seconds_after};
use ports::Page;
use tokio_postgres::Row;

const LIST: &str = "
    SELECT * FROM anomalies
    WHERE window_start >= $1 AND window_start < $2 AND ($3 IS NULL OR (window_start, id) < ($3, $4))
    ORDER BY window_start DESC, id DESC LIMIT $5";

pub(super) async fn list(
    database: &Database,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
    cursor: Option<&str>,
) -> Result<Page<FoundAnomaly>, Failure> {
    let (start, id) = cursor.map(parse_cursor).transpose()?.unzip();
    let page_size = usize::try_from(limit).map_err(Failure::internal)?;
    let rows = database.query(LIST, &params![from, to, start, id, i64::from(limit) + 1]).await?;
    let items: Vec<FoundAnomaly> = rows.iter().take(page_size).map(read).collect::<Result<_, _>>()?;
    let last = items.last().filter(|_| rows.len() > page_size);
    let next = last.map(|last| format_position(last.anomaly.start, last.id));
    Ok(Page { items, next })
}

fn read(row: &Row) -> Result<FoundAnomaly, Failure> {
    let start = get(row, "window_start")?;
    Ok(FoundAnomaly {
        id: get(row, "id")?,
        found_at: get(row, "found_at")?,
        anomaly: AnomalyDetected {
            start,
            end: seconds_after(start, WINDOW_SECONDS)?,
            currency: word(row, "currency", |code| Currency::parse(code).ok())?,
            metric: word(row, "metric", Metric::parse)?,
            observed: get(row, "observed")?,
            expected: get(row, "expected")?,
            least: get(row, "least")?,
            most: get(row, "most")?,
        },
    })
}
