//! Keeps what became of mail: a letter came back, or was complained about; an address that takes none for good gets no more.

use edge::queue::Notice;
use kernel::Failure;
use ports::{FeedbackBook, ReturnedMail};
use serde_json::Value;

/// Keeps one notice. `read` knows how the mail service writes them, and answers `None` for those that say nothing of that kind.
pub async fn handle(
    book: &impl FeedbackBook,
    read: impl Fn(&Value) -> Result<Option<ReturnedMail>, Failure>,
    notice: Notice,
) -> Result<(), Failure> {
    match read(&notice.content)? {
        Some(returned) => book.returned(&returned, notice.now).await,
        None => Ok(()),
    }
}
