//! Keeps what happens in a handler inside it: a panic or an overrun becomes a `Failure` like any other, so that one bad record
//! costs one record and a client always gets an answer.

use crate::Clock;
use futures_util::FutureExt;
use kernel::Failure;
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

/// Runs `work` to its end, to its panic or to the end of the time, whichever comes first.
///
/// Work that is stopped for time is dropped at an await point. That is no worse than the crash that every handler must survive.
pub(crate) async fn contain<T>(clock: &Clock, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let work = AssertUnwindSafe(work).catch_unwind();
    let ended = match clock.remaining() {
        None => work.await,
        Some(left) => match tokio::time::timeout(left, work).await {
            Ok(ended) => ended,
            Err(_) => return Err(Failure::unavailable("time", "the handler was stopped shortly before the deadline")),
        },
    };
    ended.unwrap_or_else(|panic| Err(Failure::internal(format!("panic: {}", message(panic.as_ref())))))
}

/// What `panic!` was given, where that was text.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is not text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Kind, Timestamp};
    use std::time::Duration;

    #[tokio::test]
    async fn a_panic_is_an_internal_failure_whose_message_only_the_log_gets() {
        let failure = contain::<()>(&Clock::system(), async { panic!("row {} is gone", 7) }).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Internal);
        assert_eq!(failure.internal.as_deref(), Some("panic: row 7 is gone"));
        assert!(!failure.detail.contains("row"));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_outlives_the_invocation_is_stopped_and_may_be_retried() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1).until(Timestamp::UNIX_EPOCH + Duration::from_secs(3));
        let failure = contain::<()>(&clock, std::future::pending()).await.unwrap_err();
        assert!(failure.is_retryable());
    }
}
