//! Processes records as one batch and, if the batch fails permanently, one by one, to isolate the records that fail.

use crate::Clock;
use crate::consumer::{MAX_TIMEOUT_AGE, MIN_REMAINING, RecordError, attempt, has_time};
use crate::telemetry;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::Failure;
use std::ops::Range;
use std::time::Duration;

/// Which records of a batch failed permanently, and from which record on it is retried.
#[derive(Debug, Default)]
pub(crate) struct BatchOutcome {
    /// Records that failed permanently, in order. The caller sends them to the dead-letter queue once they will not be retried.
    pub failed: Vec<(usize, RecordError)>,
    /// The first record to retry, with all after it.
    pub retry_from: Option<usize>,
}

/// Time that shows that a record hangs by itself: more than PostgreSQL's client waits, whose failure is not one of the record.
const MIN_TIME_ALONE: Duration = Duration::from_secs(5);

impl BatchOutcome {
    fn retry_from(first: usize) -> Self {
        Self { failed: Vec::new(), retry_from: Some(first) }
    }
}

/// Handles the records of a range of the batch. A trait object, so that the rest of the runner is compiled once and not for each function.
pub(crate) type HandleRange<'a> = dyn Fn(Range<usize>) -> LocalBoxFuture<'a, Result<(), Failure>> + 'a;

/// Calls `handle` with all records, whose ages these are. If that fails permanently or with a defect, calls it again with each record, in order,
/// so that the other records of the batch are processed. A handler may therefore see a record twice, as with any redelivery. A record that is too
/// old to wait has failed permanently, whatever its failure.
///
/// A batch that uses up its time is retried as a whole until it is an hour old. From then on, one of its records may be what hangs: the batch
/// gets half of the time, and then each record half of what is left, so that one that hangs leaves time for the others. The last leaves time
/// to dead-letter it.
pub(crate) fn process_batch<'a>(
    clock: &'a Clock,
    ages: &'a [Duration],
    handle: &'a HandleRange<'_>,
) -> LocalBoxFuture<'a, BatchOutcome> {
    async move {
        let mut outcome = BatchOutcome::default();
        let Some(first_age) = ages.first() else { return outcome };
        if !has_time(clock) {
            return BatchOutcome::retry_from(0);
        }
        let is_old = *first_age >= MAX_TIMEOUT_AGE;
        let time = |others: usize| {
            let left = clock.remaining()?;
            Some(match others {
                _ if !is_old => left,
                0 => left.saturating_sub(MIN_REMAINING),
                _ => left / 2,
            })
        };
        let Err(error) = attempt(time(ages.len() - 1), handle(0..ages.len())).await else { return outcome };
        telemetry::log_failure("batch", error.failure());
        if error.may_wait_in_stream(*first_age) && (!error.is_defect() || ages.len() == 1) {
            return BatchOutcome::retry_from(0);
        }
        if ages.len() == 1 {
            return BatchOutcome { failed: vec![(0, error)], retry_from: None };
        }
        for (i, age) in ages.iter().enumerate() {
            if !has_time(clock) {
                return BatchOutcome { retry_from: Some(i), ..outcome };
            }
            let time = time(ages.len() - 1 - i);
            // It comes first then, and has more time.
            if is_old && i > 0 && time.is_some_and(|time| time < MIN_TIME_ALONE) {
                return BatchOutcome { retry_from: Some(i), ..outcome };
            }
            let Err(error) = attempt(time, handle(i..i + 1)).await else { continue };
            telemetry::log_failure("record", error.failure());
            if error.may_wait_in_stream(*age) {
                return BatchOutcome { retry_from: Some(i), ..outcome };
            }
            outcome.failed.push((i, error));
        }
        outcome
    }
    .boxed_local()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;
    use std::cell::RefCell;

    async fn outcome_of(
        records: &[u32],
        handler: impl AsyncFn(&[u32]) -> Result<(), Failure>,
    ) -> (Vec<usize>, Option<usize>) {
        outcome_at(Duration::ZERO, records, handler).await
    }

    /// The outcome for records of this age.
    async fn outcome_at(
        age: Duration,
        records: &[u32],
        handler: impl AsyncFn(&[u32]) -> Result<(), Failure>,
    ) -> (Vec<usize>, Option<usize>) {
        let outcome = outcome_on(&Clock::system(), age, records, handler).await;
        (outcome.failed.iter().map(|(i, _)| *i).collect(), outcome.retry_from)
    }

    async fn outcome_on(
        clock: &Clock,
        age: Duration,
        records: &[u32],
        handler: impl AsyncFn(&[u32]) -> Result<(), Failure>,
    ) -> BatchOutcome {
        process_batch(clock, &vec![age; records.len()], &|range| handler(&records[range]).boxed_local()).await
    }

    fn poison() -> Failure {
        Failure::field("/n", "is odd")
    }

    #[tokio::test]
    async fn record_that_fails_its_batch_is_isolated_and_the_others_are_processed() {
        let handler = async |batch: &[u32]| if batch.contains(&3) { Err(poison()) } else { Ok(()) };
        assert_eq!(outcome_of(&[2, 3, 4], handler).await, (vec![1], None));
        assert_eq!(outcome_of(&[3], handler).await, (vec![0], None));
        assert_eq!(outcome_of(&[], handler).await, (vec![], None));
    }

    #[tokio::test]
    async fn retryable_failure_retries_the_whole_batch() {
        let handler = async |_: &[u32]| Err(Failure::unavailable("store", "down"));
        assert_eq!(outcome_of(&[2, 3], handler).await, (vec![], Some(0)));
    }

    #[tokio::test]
    async fn one_by_one_a_retryable_failure_retries_the_record_and_all_after_it() {
        let handler = async |batch: &[u32]| match batch {
            [1] => Err(poison()),
            [3] => Err(Failure::unavailable("store", "down")),
            [_] => Ok(()),
            _ => Err(poison()),
        };
        assert_eq!(outcome_of(&[1, 2, 3, 1], handler).await, (vec![0], Some(2)));
    }

    #[tokio::test]
    async fn record_that_panics_is_isolated_and_holds_the_shard_for_a_quarter_of_an_hour() {
        let panics = async |batch: &[u32]| if batch.contains(&3) { panic!("no") } else { Ok(()) };
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert_eq!(outcome_at(minutes(14), &[2, 3, 4], panics).await, (vec![], Some(1)));
        assert_eq!(outcome_at(minutes(15), &[2, 3, 4], panics).await, (vec![1], None));
        assert_eq!(outcome_at(minutes(14), &[3], panics).await, (vec![], Some(0)));
        assert_eq!(outcome_at(minutes(15), &[3], panics).await, (vec![0], None));
    }

    #[tokio::test(start_paused = true)]
    async fn record_that_hangs_is_isolated_and_holds_the_shard_for_an_hour() {
        let outcome = async |minutes: u64, records: &[u32]| {
            let clock = Clock::at(Timestamp::UNIX_EPOCH, 1).until(Timestamp::UNIX_EPOCH + Duration::from_secs(30));
            let seen = RefCell::new(vec![]);
            let hangs = async |batch: &[u32]| {
                while batch.contains(&3) {
                    let step = Duration::from_millis(100);
                    tokio::time::timeout(step, std::future::pending::<()>()).await.expect_err("it hangs");
                    clock.advance(step);
                }
                seen.borrow_mut().extend_from_slice(batch);
                Ok(())
            };
            let BatchOutcome { failed, retry_from } =
                outcome_on(&clock, Duration::from_secs(60 * minutes), records, hangs).await;
            assert!(has_time(&clock) || retry_from.is_some(), "no time is left to dead-letter a record");
            (failed.iter().map(|(i, _)| *i).collect::<Vec<_>>(), retry_from, seen.take())
        };
        assert_eq!(outcome(59, &[2, 3, 4]).await, (vec![], Some(0), vec![]));
        assert_eq!(outcome(60, &[2, 3, 4]).await, (vec![1], None, vec![2, 4]));
        assert_eq!(outcome(59, &[3]).await, (vec![], Some(0), vec![]));
        assert_eq!(outcome(60, &[3]).await, (vec![0], None, vec![]));
    }

    #[tokio::test]
    async fn record_waits_for_a_dependency_until_the_stream_is_about_to_forget_it() {
        let down = async |_: &[u32]| Err(Failure::unavailable("store", "down"));
        let hours = |n: u64| Duration::from_secs(3_600 * n);
        assert_eq!(outcome_at(hours(22), &[2, 3], down).await, (vec![], Some(0)));
        assert_eq!(outcome_at(hours(23), &[2, 3], down).await, (vec![0, 1], None));
    }

    #[tokio::test(start_paused = true)]
    async fn one_by_one_the_rest_is_retried_when_time_runs_out() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1).until(Timestamp::UNIX_EPOCH + Duration::from_secs(5));
        let handler = async |batch: &[u32]| match batch {
            [_] => {
                clock.advance(Duration::from_millis(2_000));
                Ok(())
            }
            _ => Err(poison()),
        };
        let outcome = outcome_on(&clock, Duration::ZERO, &[2, 3, 4, 5], handler).await;
        assert_eq!((outcome.failed.len(), outcome.retry_from), (0, Some(2)));
    }

    #[tokio::test]
    async fn single_record_is_handled_once() {
        let seen = RefCell::new(0);
        let handler = async |_: &[u32]| {
            *seen.borrow_mut() += 1;
            Err(poison())
        };
        assert_eq!((outcome_of(&[3], handler).await, seen.take()), ((vec![0], None), 1));
    }
}
