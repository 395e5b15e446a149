//! Keeps what became of mail: a letter came back, or was complained about; an address that takes none for good gets no more.

use edge::queue::RawMessage;
use kernel::Failure;
use ports::{EmailFeedback, EmailFeedbackStore};
use serde_json::Value;

/// Keeps one notice. `read` knows how the mail service writes them, and answers `None` for those that say nothing of that kind.
pub async fn handle(
    book: &impl EmailFeedbackStore,
    read: impl Fn(&Value) -> Result<Option<EmailFeedback>, Failure>,
    notice: RawMessage,
) -> Result<(), Failure> {
    match read(&notice.content)? {
        Some(returned) => book.record_feedback(&returned, notice.now).await,
        None => Ok(()),
    }
}
