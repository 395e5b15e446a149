//! Records that are handled as one batch, and what to do when the batch fails: find the one at fault, and spare the others.

use crate::Clock;
use crate::consumer::{Stop, Tally, has_time};
use crate::contain::contain;
use crate::telemetry;
use kernel::Failure;

/// Hands all of `records` over at once. When that fails finally, hands them over again one by one, in order: the one at fault is
/// found and buried, the others get done. (Their handler may see them twice; every handler must bear that.)
///
/// Tells what became of them, and the index of the first that must come again, with all after it.
pub(crate) async fn together<R>(
    clock: &Clock,
    records: &[R],
    hand_over: impl AsyncFn(&[R]) -> Result<(), Failure>,
    bury: impl AsyncFn(&R, &Stop) -> bool,
) -> (Tally, Option<usize>) {
    let mut tally = Tally::default();
    if records.is_empty() {
        return (tally, None);
    }
    if !has_time(clock) {
        tally.again = records.len();
        return (tally, Some(0));
    }
    let Err(failure) = contain(clock, hand_over(records)).await else {
        tally.done = records.len();
        return (tally, None);
    };
    telemetry::failed("batch", &failure);
    if failure.is_retryable() {
        tally.again = records.len();
        return (tally, Some(0));
    }
    if let [only] = records {
        return match bury(only, &Stop::Failed(failure)).await {
            true => (Tally { buried: 1, ..tally }, None),
            false => (Tally { again: 1, ..tally }, Some(0)),
        };
    }
    for (i, record) in records.iter().enumerate() {
        let stop = match has_time(clock) {
            false => break,
            true => contain(clock, hand_over(std::slice::from_ref(record))).await.map_err(Stop::Failed),
        };
        let Err(stop) = stop else {
            tally.done += 1;
            continue;
        };
        telemetry::failed("record", stop.failure());
        if stop.is_retryable() || !bury(record, &stop).await {
            tally.again = records.len() - i;
            return (tally, Some(i));
        }
        tally.buried += 1;
    }
    let finished = tally.done + tally.buried;
    tally.again = records.len() - finished;
    (tally, (tally.again > 0).then_some(finished))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;
    use std::cell::RefCell;
    use std::time::Duration;

    fn poison() -> Failure {
        Failure::field("/n", "is odd")
    }

    #[tokio::test]
    async fn a_record_that_spoils_its_batch_is_buried_and_the_others_are_done() {
        let buried = RefCell::new(Vec::new());
        let hand_over = async |batch: &[u32]| if batch.contains(&3) { Err(poison()) } else { Ok(()) };
        let bury = async |n: &u32, _: &Stop| {
            buried.borrow_mut().push(*n);
            true
        };
        let (tally, first) = together(&Clock::system(), &[2, 3, 4], hand_over, bury).await;
        assert_eq!((tally, first), (Tally { done: 2, buried: 1, again: 0 }, None));
        assert_eq!(*buried.borrow(), [3]);
    }

    #[tokio::test]
    async fn a_failure_that_may_pass_sends_the_whole_batch_again() {
        let hand_over = async |_: &[u32]| Err(Failure::unavailable("store", "down"));
        let (tally, first) = together(&Clock::system(), &[2, 3], hand_over, async |_, _| true).await;
        assert_eq!((tally.again, first), (2, Some(0)));
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_buried_comes_again_with_all_after_it() {
        let hand_over = async |batch: &[u32]| if batch.contains(&3) { Err(poison()) } else { Ok(()) };
        let (tally, first) = together(&Clock::system(), &[2, 3, 4], hand_over, async |_, _| false).await;
        assert_eq!((tally, first), (Tally { done: 1, buried: 0, again: 2 }, Some(1)));
    }

    #[tokio::test]
    async fn a_panic_sends_the_batch_again() {
        let (_, first) = together(&Clock::system(), &[1], async |_: &[u32]| panic!("no"), async |_, _| true).await;
        assert_eq!(first, Some(0));
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
        let (tally, first) = together(&clock, &[2, 3, 4, 5], hand_over, async |_, _| true).await;
        assert_eq!((tally, first), (Tally { done: 2, buried: 0, again: 2 }, Some(2)));
    }

    #[tokio::test]
    async fn the_only_record_of_a_batch_is_handed_over_once() {
        let seen = RefCell::new(0);
        let hand_over = async |_: &[u32]| {
            *seen.borrow_mut() += 1;
            Err(poison())
        };
        let (tally, first) = together(&Clock::system(), &[3], hand_over, async |_, _| true).await;
        assert_eq!((tally, first, seen.take()), (Tally { done: 0, buried: 1, again: 0 }, None, 1));
        let (tally, first) = together(&Clock::system(), &[3], hand_over, async |_, _| false).await;
        assert_eq!((tally, first), (Tally { done: 0, buried: 0, again: 1 }, Some(0)));
    }
}
