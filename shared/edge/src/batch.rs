//! Records that are handled as one batch, and what to do when the batch fails: find the one at fault, and spare the others.

use crate::Clock;
use crate::catch_panic::catch_panic;
use crate::consumer::{RecordError, has_time};
use crate::telemetry;
use kernel::Failure;

/// What became of records that were handed over together.
#[derive(Debug, Default)]
pub(crate) struct BatchOutcome {
    /// Those that failed finally, in order, and why. Whoever asked buries them, as soon as that need not be done again.
    pub refused: Vec<(usize, RecordError)>,
    /// The first that must come again, with all after it.
    pub again_from: Option<usize>,
}

impl BatchOutcome {
    fn again_from(first: usize) -> Self {
        Self { refused: Vec::new(), again_from: Some(first) }
    }
}

/// Hands all of `records` over at once. When that fails finally, hands them over again one by one, in order: the one at fault is
/// found, the others get done. (Their handler may see them twice; every handler must bear that.)
pub(crate) async fn process_batch<R>(
    clock: &Clock,
    records: &[R],
    hand_over: impl AsyncFn(&[R]) -> Result<(), Failure>,
) -> BatchOutcome {
    let mut settled = BatchOutcome::default();
    if records.is_empty() {
        return settled;
    }
    if !has_time(clock) {
        return BatchOutcome::again_from(0);
    }
    let Err(failure) = catch_panic(clock, hand_over(records)).await else { return settled };
    telemetry::log_failure("batch", &failure);
    if failure.is_retryable() {
        return BatchOutcome::again_from(0);
    }
    if records.len() == 1 {
        return BatchOutcome { refused: vec![(0, RecordError::Failed(failure))], again_from: None };
    }
    for (i, record) in records.iter().enumerate() {
        if !has_time(clock) {
            return BatchOutcome { again_from: Some(i), ..settled };
        }
        let Err(failure) = catch_panic(clock, hand_over(std::slice::from_ref(record))).await else { continue };
        telemetry::log_failure("record", &failure);
        if failure.is_retryable() {
            return BatchOutcome { again_from: Some(i), ..settled };
        }
        settled.refused.push((i, RecordError::Failed(failure)));
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;
    use std::cell::RefCell;
    use std::time::Duration;

    async fn told(
        records: &[u32],
        hand_over: impl AsyncFn(&[u32]) -> Result<(), Failure>,
    ) -> (Vec<usize>, Option<usize>) {
        let settled = process_batch(&Clock::system(), records, hand_over).await;
        (settled.refused.iter().map(|(i, _)| *i).collect(), settled.again_from)
    }

    fn poison() -> Failure {
        Failure::field("/n", "is odd")
    }

    #[tokio::test]
    async fn a_record_that_spoils_its_batch_is_found_and_the_others_are_done() {
        let hand_over = async |batch: &[u32]| if batch.contains(&3) { Err(poison()) } else { Ok(()) };
        assert_eq!(told(&[2, 3, 4], hand_over).await, (vec![1], None));
        assert_eq!(told(&[3], hand_over).await, (vec![0], None));
        assert_eq!(told(&[], hand_over).await, (vec![], None));
    }

    #[tokio::test]
    async fn a_failure_that_may_pass_sends_the_whole_batch_again() {
        let hand_over = async |_: &[u32]| Err(Failure::unavailable("store", "down"));
        assert_eq!(told(&[2, 3], hand_over).await, (vec![], Some(0)));
    }

    #[tokio::test]
    async fn one_by_one_the_first_that_may_pass_later_comes_again_with_all_after_it() {
        let hand_over = async |batch: &[u32]| match batch {
            [1] => Err(poison()),
            [3] => Err(Failure::unavailable("store", "down")),
            [_] => Ok(()),
            _ => Err(poison()),
        };
        assert_eq!(told(&[1, 2, 3, 1], hand_over).await, (vec![0], Some(2)));
    }

    #[tokio::test]
    async fn a_panic_sends_the_batch_again() {
        assert_eq!(told(&[1], async |_: &[u32]| panic!("no")).await, (vec![], Some(0)));
    }

    #[tokio::test(start_paused = true)]
    async fn when_time_runs_out_among_the_single_ones_the_rest_comes_again() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1).until(Timestamp::UNIX_EPOCH + Duration::from_secs(5));
        let hand_over = async |batch: &[u32]| match batch {
            [_] => {
                clock.advance(Duration::from_millis(2_000));
                Ok(())
            }
            _ => Err(poison()),
        };
        let settled = process_batch(&clock, &[2, 3, 4, 5], hand_over).await;
        assert_eq!((settled.refused.len(), settled.again_from), (0, Some(2)));
    }

    #[tokio::test]
    async fn the_only_record_of_a_batch_is_handed_over_once() {
        let seen = RefCell::new(0);
        let hand_over = async |_: &[u32]| {
            *seen.borrow_mut() += 1;
            Err(poison())
        };
        assert_eq!((told(&[3], hand_over).await, seen.take()), ((vec![0], None), 1));
    }
}
