//! Sending the messages of a redrive or a replay.

use kernel::Failure;

/// Sends items one by one, each with its delay, until one fails. Returns how many were sent, and the failure.
pub async fn send_each<T>(
    items: &[T],
    delays: impl Iterator<Item = u32>,
    send: impl AsyncFn(&T, u32) -> Result<(), Failure>,
) -> (usize, Result<(), Failure>) {
    for (n, (item, delay_s)) in items.iter().zip(delays).enumerate() {
        if let Err(failure) = send(item, delay_s).await {
            return (n, Err(failure));
        }
    }
    (items.len(), Ok(()))
}
