//! Whether a window is unusual for its time of the week.
//!
//! A window is compared with the same time of the weeks before it, and with the windows beside that time. Their median is what is expected
//! and their median absolute deviation (MAD) how much they vary: neither is moved by a few windows that were themselves unusual, such as a
//! sale or a failure a week ago. Counts vary by at least the square root of what is expected (Poisson), which bounds the scale from below,
//! because the MAD of few windows may be small by chance; and whole days are better or worse by some per cent than others ([`DAILY`]).
//!
//! A window is unusual if it deviates by [`ALONE`] scales, or if it is below what is expected and, together with the
//! window before it, by [`TOGETHER`] scales of their sum: a drop is to be found soon. Everything is computed in whole numbers, so that every
//! reader computes the same.

pub use crate::event::Metric;

/// Weeks of the baseline.
pub const WEEKS: usize = 8;
/// Windows beside the one at the same time, on either side, that are compared, too.
pub const BESIDE: usize = 6;
/// Windows of a week.
pub const WINDOWS_OF_WEEK: usize = 2 * BESIDE + 1;
/// Weeks without which there is no verdict: the scale of fewer windows is a guess.
pub const LEAST_WEEKS: usize = 4;
/// Expected orders below which there is no verdict: where so few are expected, half of them is within what chance does.
pub const LEAST_ORDERS: i64 = 30;

/// Deviation of a window that is unusual by itself, in thousandths of its scale.
const ALONE: i128 = 4_500;
/// Deviation of a window and the one before it, both together, that is unusual if it is a drop, in thousandths of the scale of their sum.
const TOGETHER: i128 = 3_200;
/// How much better or worse than usual a day may well be, in thousandths.
const DAILY: i128 = 50;
/// Standard deviations in a MAD, in thousandths, if values are distributed normally.
const SCALE_OF_MAD: i128 = 1_483;

/// Orders and revenue of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sales {
    pub orders: i64,
    pub revenue: i64,
}

impl Sales {
    fn of(self, metric: Metric) -> i64 {
        match metric {
            Metric::Orders => self.orders,
            Metric::Revenue => self.revenue,
        }
    }
}

/// What a window is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The window before it.
    pub previous: Option<Sales>,
    /// Windows at the same time of the weeks before, and beside it; of whole weeks only.
    pub windows: Vec<Sales>,
}

/// An unusual window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anomaly {
    pub metric: Metric,
    pub observed: i64,
    /// The median of the baseline.
    pub expected: i64,
    /// The least and the greatest value that would not have been unusual by itself.
    pub usual: (i64, i64),
}

/// What is expected, and how much it varies.
struct Expected {
    median: i64,
    /// Scale of a window, in thousandths.
    alone: i128,
    /// Scale of the sum of two windows in a row, in thousandths.
    together: i128,
}

/// The unusual figures of a window; none without a baseline of [`LEAST_WEEKS`] weeks and [`LEAST_ORDERS`] expected orders.
pub fn anomalies(observed: Sales, baseline: &Baseline) -> Vec<Anomaly> {
    let orders = median(baseline.windows.iter().map(|window| window.orders).collect());
    if baseline.windows.len() < LEAST_WEEKS * WINDOWS_OF_WEEK || orders < LEAST_ORDERS {
        return vec![];
    }
    let judge = |metric| {
        let expected = expected(metric, baseline.windows.iter().map(|window| window.of(metric)).collect(), orders);
        let deviation = |sales: Sales| i128::from(sales.of(metric) - expected.median) * 1_000;
        let now = deviation(observed);
        let both = now + baseline.previous.map_or(0, deviation);
        let is_alone = now.abs() * 1_000 >= ALONE * expected.alone;
        let is_together = now < 0 && -both * 1_000 >= TOGETHER * expected.together;
        (is_alone || is_together).then(|| {
            let span = i64::try_from(ALONE * expected.alone / 1_000_000).unwrap_or(i64::MAX);
            let usual = (expected.median.saturating_sub(span).max(0), expected.median.saturating_add(span));
            Anomaly { metric, observed: observed.of(metric), expected: expected.median, usual }
        })
    };
    Metric::ALL.into_iter().filter_map(judge).collect()
}

/// Median and scale of the values of windows with about so many orders.
fn expected(metric: Metric, values: Vec<i64>, orders: i64) -> Expected {
    let median = median(values.clone());
    let mad = self::median(values.iter().map(|value| (value - median).abs()).collect());
    // The sum of n orders of about the same amount varies by n⁻½ of itself, and by more if amounts differ: by √2 if they are as different
    // as those of an exponential distribution.
    let spread = match metric {
        Metric::Orders => 1,
        Metric::Revenue => 2,
    };
    let square = i128::from(median).pow(2);
    let by_chance = square * 1_000_000 * spread / i128::from(orders.max(1));
    let seen = (i128::from(mad) * SCALE_OF_MAD).pow(2);
    // What is not chance moves windows in a row together: their deviations add up, where those by chance partly cancel.
    let by_day = (square * DAILY.pow(2)).max(seen - by_chance);
    Expected { median, alone: (by_chance + by_day).isqrt(), together: (2 * by_chance + 4 * by_day).isqrt() }
}

fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle)) {
        (1, Some(value)) => *value,
        (_, Some(value)) => i64::midpoint(values[middle - 1], *value),
        (_, None) => 0,
    }
}

#[cfg(test)]
mod tests;
