//! In-memory fake of the anomalies of closed windows.

use domain::window::{FoundAnomaly, WindowRevision};
use kernel::{Failure, Timestamp};
use ports::Page;
use std::cmp::Reverse;

#[derive(Default)]
pub(super) struct Anomalies(Vec<FoundAnomaly>);

impl Anomalies {
    pub fn add(&mut self, closing: &WindowRevision) {
        self.0.extend(closing.anomalies());
    }

    pub fn page(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<FoundAnomaly>, Failure> {
        let before = cursor.map(super::super::event_records::read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let place = |one: &FoundAnomaly| (one.anomaly.start, one.id);
        let is_wanted = |one: &&FoundAnomaly| {
            (from..to).contains(&one.anomaly.start) && before.is_none_or(|before| place(one) < before)
        };
        let mut items: Vec<FoundAnomaly> = self.0.iter().filter(is_wanted).cloned().collect();
        items.sort_by_key(|one| Reverse(place(one)));
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| format!("{}/{}", last.anomaly.start, last.id));
        Ok(Page { items, next })
    }
}
