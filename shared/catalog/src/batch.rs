//! How an event source mapping gathers records.

use crate::Function;

/// Messages of a queue's batch that are handled concurrently, on one processor: while one waits for the database, the gateway or another
/// service, others proceed. Standard queues promise no order, so that none is lost; the records of a stream are handled in their order.
pub const CONCURRENT_MESSAGES: usize = 10;

/// The function is invoked when the batch is full or the window has passed. The emulator ignores windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Records at most.
    pub size: u32,
    /// Seconds, at most 300; 0 for consumers that somebody waits for.
    pub window_s: u32,
}

impl Batch {
    /// Of a queue: the most messages without a window.
    pub(crate) const QUEUE: Self = Self { size: 10, window_s: 0 };
    /// Of a stream or of Kafka topics.
    pub(crate) const STREAM: Self = Self { size: 100, window_s: 0 };
}

impl Function {
    /// Lets records wait, for a consumer that nobody waits for: fewer invocations, requests and log lines.
    pub(crate) const fn gathering(mut self, size: u32, window_s: u32) -> Self {
        self.batch = Batch { size, window_s };
        self
    }

    /// Visibility timeout of its queue in seconds: six times the function timeout and the window, as AWS recommends for event source
    /// mappings.
    pub const fn visibility_s(&self) -> u32 {
        self.timeout_s * 6 + self.batch.window_s
    }
}
