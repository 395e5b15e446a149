//! Anomalies on generated seasons.

use super::*;

const WINDOWS_A_DAY: usize = 288;
const WINDOWS_A_WEEK: usize = 7 * WINDOWS_A_DAY;

/// SplitMix64: a small generator with a seed, so that every run sees the same seasons.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).expect("small")).expect("small")
    }

    /// A count of mean `mean`: of sixteen times as many chances of a sixteenth, which is close to Poisson.
    fn count(&mut self, mean: usize) -> i64 {
        let chances = 16 * mean;
        let words = (0..chances.div_ceil(64)).map(|word| {
            let bits = self.next() & self.next() & self.next() & self.next();
            let left = chances - 64 * word;
            (if left < 64 { bits & ((1 << left) - 1) } else { bits }).count_ones()
        });
        i64::from(words.sum::<u32>())
    }
}

/// Mean number of orders in a window: low at night, high in the evening and at weekends.
fn mean(window: usize, busiest: usize) -> usize {
    const OF_HOUR: [usize; 24] =
        [40, 36, 34, 33, 33, 35, 40, 48, 56, 62, 66, 70, 74, 72, 70, 70, 72, 78, 86, 94, 100, 92, 74, 54];
    let (day, of_day) = (window / WINDOWS_A_DAY % 7, window % WINDOWS_A_DAY);
    let (hour, of_hour) = (of_day / 12, of_day % 12);
    let level = (OF_HOUR[hour] * (12 - of_hour) + OF_HOUR[(hour + 1) % 24] * of_hour) / 12;
    busiest * level * if day >= 5 { 120 } else { 100 } / 10_000
}

/// Weeks of windows, in which whole days are up to 8 % better or worse than usual.
fn season(random: &mut Random, weeks: usize, busiest: usize) -> Vec<Sales> {
    let mut windows = Vec::new();
    for day in 0..7 * weeks {
        let mood = 92 + random.below(17);
        for window in day * WINDOWS_A_DAY..(day + 1) * WINDOWS_A_DAY {
            windows.push(sales(random, mean(window, busiest) * mood / 100));
        }
    }
    windows
}

/// Orders of 10 to 89 units of money each.
fn sales(random: &mut Random, mean: usize) -> Sales {
    let orders = random.count(mean);
    let revenue = (0..orders).map(|_| 1_000 + i64::try_from(random.below(8_000)).expect("small")).sum();
    Sales { orders, revenue }
}

fn baseline(season: &[Sales], at: usize) -> Baseline {
    let week = |weeks: usize| {
        let middle = at.checked_sub(weeks * WINDOWS_A_WEEK)?;
        season.get(middle.checked_sub(BESIDE)?..=middle + BESIDE)
    };
    Baseline {
        previous: at.checked_sub(1).and_then(|before| season.get(before).copied()),
        windows: (1..=WEEKS).filter_map(week).flatten().copied().collect(),
    }
}

#[test]
fn season_without_failures_raises_at_most_one_alarm_a_week() {
    for (seed, busiest) in [(1, 120), (2, 300)] {
        let weeks = 14;
        let season = season(&mut Random(seed), weeks, busiest);
        let judged = WEEKS * WINDOWS_A_WEEK..season.len();
        let found = judged.clone().filter(|at| !anomalies(season[*at], &baseline(&season, *at)).is_empty()).count();
        let weeks = judged.len() / WINDOWS_A_WEEK;
        eprintln!("{busiest} orders in the busiest window: {found} false alarms in {weeks} weeks");
        assert!(found <= weeks, "{found} false alarms in {weeks} weeks");
    }
}

#[test]
fn nine_of_ten_drops_by_half_are_found_within_two_windows() {
    for (seed, busiest) in [(3, 120), (4, 300)] {
        let mut random = Random(seed);
        let mut season = season(&mut random, 10, busiest);
        let (mut found, drops) = (0, 400);
        for _ in 0..drops {
            let at = WEEKS * WINDOWS_A_WEEK + random.below(season.len() - WEEKS * WINDOWS_A_WEEK - 1);
            let kept = [season[at], season[at + 1]];
            for window in [at, at + 1] {
                season[window] = sales(&mut random, mean(window, busiest) / 2);
            }
            let is_found = |at: usize| {
                let found = anomalies(season[at], &baseline(&season, at));
                found.iter().any(|anomaly| anomaly.observed < anomaly.expected)
            };
            found += usize::from(is_found(at) || is_found(at + 1));
            season[at..at + 2].copy_from_slice(&kept);
        }
        eprintln!("{busiest} orders in the busiest window: {found} of {drops} drops by half found within two windows");
        assert!(found * 10 >= drops * 9, "{found} of {drops} drops");
    }
}

fn steady(weeks: usize, orders: i64) -> Baseline {
    let usual = Sales { orders, revenue: orders * 2_000 };
    Baseline { previous: Some(usual), windows: vec![usual; weeks * WINDOWS_OF_WEEK] }
}

#[test]
fn without_enough_weeks_or_orders_there_is_no_verdict() {
    let nothing = Sales::default();
    assert_eq!(anomalies(nothing, &Baseline::default()), []);
    assert_eq!(anomalies(nothing, &steady(LEAST_WEEKS - 1, 100)), []);
    assert_eq!(anomalies(nothing, &steady(WEEKS, LEAST_ORDERS - 1)), []);
    assert_eq!(anomalies(nothing, &steady(LEAST_WEEKS, 100)).len(), 2);
}

#[test]
fn anomaly_says_what_was_expected_and_what_would_have_been_usual() {
    let found = anomalies(Sales { orders: 49, revenue: 200_000 }, &steady(WEEKS, 100));
    assert_eq!(found, [Anomaly { metric: Metric::Orders, observed: 49, expected: 100, usual: (50, 150) }]);
    for orders in [50, 150] {
        assert_eq!(anomalies(Sales { orders, revenue: 200_000 }, &steady(WEEKS, 100)), []);
    }
}

#[test]
fn drop_after_a_drop_is_unusual_when_it_is_smaller() {
    let sales = |orders| Sales { orders, revenue: 200_000 };
    let after = |orders| Baseline { previous: Some(sales(orders)), ..steady(WEEKS, 100) };
    assert_eq!(anomalies(sales(72), &after(100)), []);
    assert_eq!(anomalies(sales(72), &after(72)).len(), 1);
    assert_eq!(anomalies(sales(73), &after(72)), []);
    assert_eq!(anomalies(sales(128), &after(128)), [], "a shop may sell more for a while");
}

#[test]
fn few_unusual_weeks_move_the_baseline_little() {
    let mut disturbed = steady(WEEKS, 100);
    for window in disturbed.windows.iter_mut().take(3 * WINDOWS_OF_WEEK) {
        *window = Sales::default();
    }
    assert_eq!(anomalies(Sales { orders: 40, revenue: 200_000 }, &disturbed)[0].expected, 100);
}
