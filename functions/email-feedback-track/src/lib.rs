//! Records bounces and complaints, and suppresses addresses that bounced permanently or complained.

use edge::queue::RawMessage;
use kernel::Failure;
use ports::{EmailFeedback, EmailFeedbackStore};
use serde_json::Value;

/// Records one notification of the e-mail provider. `parse` returns `None` for a notification that is neither.
pub async fn handle(
    store: &impl EmailFeedbackStore,
    parse: impl Fn(&Value) -> Result<Option<EmailFeedback>, Failure>,
    message: RawMessage,
) -> Result<(), Failure> {
    match parse(&message.content)? {
        Some(feedback) => store.record_feedback(&feedback, message.now).await,
        None => Ok(()),
    }
}
