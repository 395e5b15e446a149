//! Optimistic concurrency: read, decide, commit, and start again after a version conflict.

use kernel::Failure;

/// Retries after a version conflict. Two concurrent transitions of an order or a payment are common, four are not.
pub const MAX_OPTIMISTIC_RETRIES: u32 = 3;

/// Calls `attempt` until it does not return `None`, which stands for a version conflict; `Unavailable` if it still does after
/// `max_retries` retries. Each attempt reads `aggregate` again.
pub async fn retry_on_conflict<T>(
    max_retries: u32,
    aggregate: &'static str,
    mut attempt: impl AsyncFnMut() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    for _ in 0..=max_retries {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
    }
    Err(Failure::unavailable(aggregate, format!("version conflict after {max_retries} retries")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use kernel::FailureKind;

    #[test]
    fn conflicts_are_retried_up_to_the_maximum() {
        for (conflicts, attempts, succeeds) in [(0, 1, true), (3, 4, true), (4, 4, false)] {
            let mut made = 0;
            let outcome = retry_on_conflict(3, "order", async || {
                made += 1;
                Ok((made > conflicts).then_some(()))
            })
            .now_or_never()
            .unwrap();
            assert_eq!((made, outcome.is_ok()), (attempts, succeeds), "{conflicts} conflicts");
        }
    }

    #[test]
    fn exhausted_retries_are_unavailable_and_failures_are_not_retried() {
        let conflict = retry_on_conflict(3, "order", async || Ok(None::<()>)).now_or_never().unwrap();
        assert_eq!(conflict.unwrap_err().kind, FailureKind::Unavailable);
        let mut made = 0;
        let failed = retry_on_conflict(3, "order", async || {
            made += 1;
            Err::<Option<()>, _>(Failure::internal("broken"))
        })
        .now_or_never()
        .unwrap();
        assert_eq!((failed.unwrap_err().kind, made), (FailureKind::Internal, 1));
    }
}
