//! The read position of a stream.

use super::choices::{Choice, Choices};
use kernel::Timestamp;

/// The read position of a stream, and whether it is being read.
#[derive(Debug, Default)]
pub struct StreamPosition {
    pub cursor: usize,
    pub length: usize,
    is_busy: bool,
    pub due: Timestamp,
}

impl StreamPosition {
    /// Whether a read can start.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.cursor < self.length && !self.is_busy && self.due <= now
    }

    pub fn begin(&mut self) {
        self.is_busy = true;
    }

    /// Starts a read. Returns the size of its batch.
    pub fn cut(&mut self, choices: &Choices) -> usize {
        self.begin();
        let left = self.length - self.cursor;
        1 + if left == 1 { 0 } else { choices.choose(Choice::Batch, left) }
    }

    /// Ends a read of `done` records; with `back`, the last is redelivered. One that failed is due again at `retry_at`.
    pub fn settle(&mut self, retry_at: Timestamp, done: usize, back: bool) {
        self.is_busy = false;
        self.cursor += done;
        if done == 0 {
            self.due = retry_at;
        }
        if back {
            self.cursor = self.cursor.saturating_sub(1);
        }
    }
}
