//! Keeps what became of mail: an address that a letter came back from for good, or whose owner complained, gets no more.

use edge::queue::Notice;
use kernel::Failure;
use ports::{FeedbackBook, ReturnedMail};
use serde_json::Value;

/// Keeps one notice. `read` knows how the mail service writes them, and answers `None` for those that close no address.
pub async fn handle(
    book: &impl FeedbackBook,
    read: impl Fn(&Value) -> Result<Option<ReturnedMail>, Failure>,
    notice: Notice<Value>,
) -> Result<(), Failure> {
    let Some(returned) = read(&notice.content)? else { return Ok(()) };
    for address in &returned.addresses {
        book.returned(returned.delivery, address, returned.why, notice.now).await?;
    }
    Ok(())
}
