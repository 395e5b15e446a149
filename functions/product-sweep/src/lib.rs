//! Commits the events of changes of products that the table's stream lost: each hour those of an hour that is over, until it has caught up.
//!
//! The stream keeps a change for a day, and nothing asks again for one that `product-relay` could not commit in that time. An event that
//! was committed already changes nothing. Of several lost changes of one product the last is published, with all that it states, and the first,
//! because a product without it has no stock account. A product that cannot be read is tried again in each run for a day, because the next version
//! of the code may be able to.

use domain::{
    Event,
    product::{self, Product},
};
use edge::{
    schedule::Tick,
    telemetry::{self, metrics},
};
use kernel::{Failure, Timestamp, seconds_after};
use ports::{ChangedProduct, EventOutbox, ProductChanges, SweepPosition, SweepPositions};
use serde::Serialize;
use std::time::Duration;

/// Products per page.
const PAGE: u32 = 100;
/// Hours before now at which the first sweep begins: longer than a loss in the stream may go unnoticed.
const INITIAL_LOOKBACK_HOURS: i64 = 72;
/// Delay in seconds before an hour is swept, so that the index contains its changes and `product-relay` has handled them.
const INDEX_DELAY_S: i64 = 15 * 60;
/// Seconds for which an hour with a product that cannot be read is swept again, with those after it.
const WAIT_S: i64 = 24 * product::HOUR_S;
/// Stop this long before the deadline, for the page in progress and the response.
const TIME_RESERVE: Duration = Duration::from_secs(30);

/// Counts of one run.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Hours of which all changes are committed.
    pub hours: u32,
    /// Products whose change is committed.
    pub products: u32,
    /// Products that cannot be read; each is logged.
    pub failed: u32,
}

/// Sweeps hours until none is left or the time is used up.
pub async fn handle(
    changes: &impl ProductChanges,
    events: &impl EventOutbox,
    positions: &impl SweepPositions,
    tick: Tick,
) -> Result<Summary, Failure> {
    let over = hour_of(seconds_after(tick.now, -INDEX_DELAY_S)?)?;
    let mut position = match positions.position().await? {
        Some(position) => position,
        None => beginning(seconds_after(over, -INITIAL_LOOKBACK_HOURS * product::HOUR_S)?),
    };
    let waits_since = seconds_after(tick.now, -WAIT_S)?;
    let (mut summary, mut failed_in_hour, mut waits) = (Summary::default(), 0, false);
    while position.hour < over && !tick.has_less_than(TIME_RESERVE) {
        let page = changes.changed(position, PAGE).await?;
        let failed = commit(events, &page, position.hour).await?;
        failed_in_hour += failed;
        waits |= failed > 0 && position.hour > waits_since;
        summary.failed += failed;
        summary.products += u32::try_from(page.len()).map_err(Failure::internal)? - failed;
        position = match page.last() {
            Some(last) if page.len() as u64 >= u64::from(PAGE) => SweepPosition { after: Some(last.id), ..position },
            _ => {
                summary.hours += u32::from(failed_in_hour == 0);
                failed_in_hour = 0;
                beginning(seconds_after(position.hour, product::HOUR_S)?)
            }
        };
        if !waits {
            positions.advance(position).await?;
        }
    }
    metrics::value("ProductSweepErrors", metrics::Unit::Count, summary.failed);
    Ok(summary)
}

/// Commits the events of these products, and returns the number of those that cannot be read.
async fn commit(events: &impl EventOutbox, page: &[ChangedProduct], hour: Timestamp) -> Result<u32, Failure> {
    let mut failed = 0;
    for changed in page {
        match events_of(changed, hour) {
            Ok(due) => {
                for event in due {
                    events.commit(&event).await?;
                }
            }
            Err(failure) => {
                failed += 1;
                telemetry::log_item_failure("sweep of a product", changed.id, &failure);
            }
        }
    }
    Ok(failed)
}

const fn beginning(hour: Timestamp) -> SweepPosition {
    SweepPosition { hour, after: None }
}

fn hour_of(at: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(at, -at.as_second().rem_euclid(product::HOUR_S))
}

fn events_of(changed: &ChangedProduct, hour: Timestamp) -> Result<Vec<Event>, Failure> {
    let product: &Product = changed.product.as_ref().map_err(Clone::clone)?;
    product.events_since(hour)
}
