//! When an event that a consumer has not recorded is published again.

use kernel::Timestamp;

/// Whether an event that happened then is published again at `now`: if its age in whole hours is one of `repeat_hours`.
pub fn is_repeat_due(happened: Timestamp, now: Timestamp, repeat_hours: &[i64]) -> bool {
    let hours = (now.as_second() - happened.as_second()).div_euclid(3600);
    repeat_hours.contains(&hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_is_due_during_each_hour_that_is_listed() {
        let due_after = |seconds: i64| {
            let now = Timestamp::from_second(1_795_250_880 + seconds).expect("an instant");
            is_repeat_due(Timestamp::from_second(1_795_250_880).expect("an instant"), now, &[1, 8])
        };
        let due: Vec<i64> =
            [0, 3_599, 3_600, 7_199, 7_200, 28_799, 28_800].into_iter().filter(|s| due_after(*s)).collect();
        assert_eq!(due, [3_600, 7_199, 28_800]);
    }
}
