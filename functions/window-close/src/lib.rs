//! Closes windows: every five minutes it publishes those that are complete, and those that a record which was later than allowed has
//! corrected. It compares each with the same time of the weeks before when it is first closed.
//!
//! A run that is cut off has published whole pages; the next one continues.

use domain::window::{self, WindowRevision};
use edge::{schedule::Tick, telemetry::metrics};
use kernel::Failure;
use ports::WindowClosing;
use serde::Serialize;

/// Windows per page.
const PAGE: u32 = 50;
/// Pages of a run: more windows than an hour of ten currencies has.
const MAX_PAGES: u32 = 20;

/// Counts of one run.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Windows of which a revision was published.
    pub published: u32,
    /// Those that had been published before.
    pub corrected: u32,
    pub anomalies: u32,
}

/// Publishes every complete window with a revision that is not published.
pub async fn handle(windows: &impl WindowClosing, tick: Tick) -> Result<Summary, Failure> {
    let until = window::complete_until(tick.now)?;
    windows.open(until).await?;
    let mut summary = Summary::default();
    for _ in 0..MAX_PAGES {
        let changed = windows.changed(until, PAGE).await?;
        let close = |changed| window::closing(changed, tick.context());
        let closings: Vec<WindowRevision> = changed.iter().map(close).collect::<Result<_, _>>()?;
        let published = windows.publish(&closings).await?;
        summary.published += published;
        summary.corrected += count(closings.iter().filter(|closing| closing.revision > 1).count());
        summary.anomalies += closings.iter().map(|closing| count(closing.anomalies().count())).sum::<u32>();
        if count(closings.len()) < PAGE {
            break;
        }
    }
    metrics::count("WindowsCorrected", summary.corrected.into());
    metrics::count("AnomaliesDetected", summary.anomalies.into());
    Ok(summary)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
