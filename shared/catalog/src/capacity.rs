//! How much a function does at once: its memory, and how its event source mapping batches records.

use crate::Function;

/// Memory in MiB of most functions, the least that Lambda offers. The share of a processor that comes with it is enough for one request
/// (table in docs/benchmark.md), and a process has less than 10 MiB. What hashes passwords, draws or decodes has more, and so have consumers of
/// streams, whose batches are large.
pub(crate) const MEMORY_MB: u32 = 128;

/// Messages of a queue's batch that are handled concurrently, on one processor: while one waits for the database, the gateway or another
/// service, others proceed. Standard queues promise no order, so that none is lost; the records of a stream are handled in their order.
pub const CONCURRENT_MESSAGES: usize = 10;

/// The function is invoked when the batch is full or the window has passed. The emulator ignores windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Maximum number of records.
    pub size: u32,
    /// Seconds, at most 300; 0 for consumers whose latency matters.
    pub window_s: u32,
}

impl Batch {
    /// Of a queue: the most messages without a window.
    pub(crate) const QUEUE: Self = Self { size: 10, window_s: 0 };
    /// Of a stream or of Kafka topics.
    pub(crate) const STREAM: Self = Self { size: 100, window_s: 0 };
}

impl Function {
    /// For consumers whose latency does not matter: a batch is invoked when it is full or the window has passed, which
    /// saves invocations, requests and log lines.
    pub(crate) const fn batched(mut self, size: u32, window_s: u32) -> Self {
        self.batch = Batch { size, window_s };
        self
    }

    pub(crate) const fn concurrency(mut self, copies: u32) -> Self {
        self.concurrency = copies;
        self
    }

    pub(crate) const fn provisioned(mut self, environments: u32) -> Self {
        self.provisioned = environments;
        self
    }

    pub(crate) const fn memory(mut self, mb: u32) -> Self {
        self.memory_mb = mb;
        self
    }

    pub(crate) const fn timeout(mut self, seconds: u32) -> Self {
        self.timeout_s = seconds;
        self
    }

    /// Visibility timeout of its queue in seconds: six times the function timeout, plus the batching window, as AWS recommends for
    /// event source mappings.
    pub const fn visibility_s(&self) -> u32 {
        self.timeout_s * 6 + self.batch.window_s
    }
}
