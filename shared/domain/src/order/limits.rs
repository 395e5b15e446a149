//! Limits of orders, configured per environment.

use super::MAX_LINES;

/// What a customer may order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLimits {
    /// Maximum number of lines in one order, at most [`MAX_LINES`].
    pub lines: usize,
}

impl Default for OrderLimits {
    fn default() -> Self {
        Self { lines: MAX_LINES }
    }
}
