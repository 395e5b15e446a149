//! Turns a panic or a timeout of a handler into a `Failure`, so that one bad record fails only itself and a client always gets a
//! response.

use crate::Clock;
use futures_util::FutureExt;
use kernel::Failure;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::pin::pin;
use std::time::Duration;

thread_local! {
    /// Whether work under `catch_panic` is being polled on this thread.
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    /// Where such work panicked last; only the panic hook receives the location.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work` until it completes, panics or exceeds the handler's time.
///
/// Work that exceeds its time is dropped at an await point, like in the crash that every handler must tolerate.
pub(crate) async fn catch_panic<T>(
    clock: &Clock,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    catch_panic_within(clock.remaining(), work).await.unwrap_or_else(|| Err(timed_out()))
}

/// As [`catch_panic`], with this time; without a limit if there is none. Returns `None` for work that exceeds it.
pub(crate) async fn catch_panic_within<T>(
    time: Option<Duration>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Option<Result<T, Failure>> {
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    let work = poll_fn(|context| {
        ACTIVE.set(true);
        let polled = work.as_mut().poll(context);
        ACTIVE.set(false);
        polled
    });
    let result = match time {
        None => work.await,
        Some(time) => tokio::time::timeout(time, work).await.ok()?,
    };
    Some(result.unwrap_or_else(|panic| {
        let location = LOCATION.take().map(|location| format!(" at {location}")).unwrap_or_default();
        Err(Failure::internal(format!("panic: {}{location}", message(panic.as_ref()))))
    }))
}

/// The failure of work that exceeded its time.
pub(crate) fn timed_out() -> Failure {
    Failure::unavailable("time", "the handler was stopped before the deadline")
}

/// For the panic hook: whether [`catch_panic`] turns `panic` into a failure, which the runner logs. False elsewhere, for instance in a
/// spawned task.
pub(crate) fn will_catch(panic: &PanicHookInfo<'_>) -> bool {
    let is_active = ACTIVE.get();
    if is_active {
        LOCATION.set(panic.location().map(ToString::to_string));
    }
    is_active
}

/// The message of a panic, if it is text.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(not text)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{FailureKind, Timestamp};

    #[tokio::test]
    async fn panic_becomes_an_internal_failure_and_its_message_stays_internal() {
        let failure = catch_panic::<()>(&Clock::system(), async { panic!("row {} is gone", 7) }).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        assert!(failure.internal.unwrap_or_default().starts_with("panic: row 7 is gone"));
        assert!(!failure.detail.contains("row"));
    }

    /// The hook is global to the process; panics of other tests are recorded on their own threads.
    #[test]
    fn handler_panic_is_reported_with_its_location_and_others_go_to_the_hook() {
        thread_local! {
            static CAUGHT: Cell<Option<bool>> = const { Cell::new(None) };
        }
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|panic| CAUGHT.set(Some(will_catch(panic)))));
        let caught = catch_panic::<()>(&Clock::system(), async { panic!("inside") }).now_or_never();
        let inside = CAUGHT.take();
        let escaped = std::panic::catch_unwind(|| panic!("outside")).is_err();
        let outside = CAUGHT.take();
        std::panic::set_hook(before);
        assert_eq!((inside, escaped, outside), (Some(true), true, Some(false)));
        let internal = caught.expect("it completes").unwrap_err().internal.unwrap_or_default();
        assert!(internal.starts_with("panic: inside at ") && internal.contains("catch_panic.rs:"), "{internal}");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_exceeds_its_time_is_stopped_and_retryable() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1).until(Timestamp::UNIX_EPOCH + Duration::from_secs(3));
        let failure = catch_panic::<()>(&clock, std::future::pending()).await.unwrap_err();
        assert!(failure.is_retryable());
    }
}
