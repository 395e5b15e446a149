//! Keeps what happens in a handler inside it: a panic or an overrun becomes a `Failure` like any other, so that one bad record
//! costs one record and a client always gets an answer.

use crate::Clock;
use futures_util::FutureExt;
use kernel::Failure;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::pin::pin;

thread_local! {
    /// Whether contained work is being polled on this thread.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    /// Where contained work panicked last; only the panic hook is told.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work` to its end, to its panic or to the end of the time, whichever comes first.
///
/// Work that is stopped for time is dropped at an await point. That is no worse than the crash that every handler must survive.
pub(crate) async fn catch_panic<T>(
    clock: &Clock,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    let work = poll_fn(|context| {
        CONTAINED.set(true);
        let polled = work.as_mut().poll(context);
        CONTAINED.set(false);
        polled
    });
    let ended = match clock.remaining() {
        None => work.await,
        Some(left) => match tokio::time::timeout(left, work).await {
            Ok(ended) => ended,
            Err(_) => return Err(Failure::unavailable("time", "the handler was stopped shortly before the deadline")),
        },
    };
    ended.unwrap_or_else(|panic| {
        let location = LOCATION.take().map(|location| format!(" at {location}")).unwrap_or_default();
        Err(Failure::internal(format!("panic: {}{location}", message(panic.as_ref()))))
    })
}

/// For the panic hook: leaves it to [`catch_panic`] to report `panic`, which will tell the runner and be logged once. Answers false
/// where nobody will, in a task of its own for instance.
pub(crate) fn reports(panic: &PanicHookInfo<'_>) -> bool {
    let contained = CONTAINED.get();
    if contained {
        LOCATION.set(panic.location().map(ToString::to_string));
    }
    contained
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
    use kernel::{FailureKind, Timestamp};
    use std::time::Duration;

    #[tokio::test]
    async fn a_panic_is_an_internal_failure_whose_message_only_the_log_gets() {
        let failure = catch_panic::<()>(&Clock::system(), async { panic!("row {} is gone", 7) }).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        assert!(failure.internal.unwrap_or_default().starts_with("panic: row 7 is gone"));
        assert!(!failure.detail.contains("row"));
    }

    /// The hook is the whole process's: others that panic meanwhile are told of on their own threads.
    #[test]
    fn a_panic_in_a_handler_is_told_with_its_place_and_one_elsewhere_is_left_to_the_hook() {
        thread_local! {
            static REPORTED: Cell<Option<bool>> = const { Cell::new(None) };
        }
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|panic| REPORTED.set(Some(reports(panic)))));
        let contained = catch_panic::<()>(&Clock::system(), async { panic!("inside") }).now_or_never();
        let inside = REPORTED.take();
        let escaped = std::panic::catch_unwind(|| panic!("outside")).is_err();
        let outside = REPORTED.take();
        std::panic::set_hook(before);
        assert_eq!((inside, escaped, outside), (Some(true), true, Some(false)));
        let told = contained.expect("it ended").unwrap_err().internal.unwrap_or_default();
        assert!(told.starts_with("panic: inside at ") && told.contains("catch_panic.rs:"), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_outlives_the_invocation_is_stopped_and_may_be_retried() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1).until(Timestamp::UNIX_EPOCH + Duration::from_secs(3));
        let failure = catch_panic::<()>(&clock, std::future::pending()).await.unwrap_err();
        assert!(failure.is_retryable());
    }
}
