//! A stream, as far as it was read.

use super::chance::{Chance, Draw};
use kernel::Timestamp;
use std::time::Duration;

/// How far something that is read in order has been read, and whether somebody is reading.
#[derive(Debug, Default)]
pub struct StreamPosition {
    pub cursor: usize,
    pub length: usize,
    is_busy: bool,
    pub due: Timestamp,
}

impl StreamPosition {
    /// Whether somebody can begin to read.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.cursor < self.length && !self.is_busy && self.due <= now
    }

    /// Somebody begins to read.
    pub fn begin(&mut self) {
        self.is_busy = true;
    }

    /// Somebody begins to read: how many of the next records one batch takes.
    pub fn cut(&mut self, chance: &Chance) -> usize {
        self.begin();
        let left = self.length - self.cursor;
        1 + if left == 1 { 0 } else { chance.draw(Draw::Batch, left) }
    }

    /// So many were read. Where chance wants it `back`, the last comes again.
    pub fn settle(&mut self, now: Timestamp, done: usize, back: bool) {
        self.is_busy = false;
        self.cursor += done;
        if done == 0 {
            self.due = now + Duration::from_secs(1);
        }
        if back {
            self.cursor = self.cursor.saturating_sub(1);
        }
    }
}
