//! `POST /api/v1/notifications/send`: staff write to a customer, through a channel that the customer chose.
//!
//! Returns 202 with the notification, which is sent right after and then appears in the log. A repeated `Idempotency-Key` replays the
//! first response. A rejection is not stored: its reason may pass at any time, when a contact arrives or a device is registered.

use api::NotificationView;
use domain::{message_limits::MessageLimits, notification::SendNotification};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{ContactStore, NotificationRequests};

pub async fn handle(
    contacts: &(impl ContactStore + NotificationRequests),
    limits: &MessageLimits,
    call: Call<SendNotification>,
) -> Result<Reply<NotificationView>, Failure> {
    let (command, call) = call.into_parts();
    command.check()?;
    let key = call.idempotency_key()?;
    let unknown = || Failure::field("/user_id", "has no contact");
    let to = contacts.find(command.user_id).await?.ok_or_else(unknown);
    if let Err(rejection) = to.and_then(|to| command.check_recipient(&to, &limits.countries)) {
        // A request that was accepted before is replayed, not rejected.
        return Reply::rejected(rejection, contacts.find_response(key).await?);
    }
    let requested = command.requested();
    let event = call.event(requested.user_id, 1, requested.clone());
    let reply = Reply::accepted(NotificationView::accepted(event.id, &requested, call.now));
    let outcome = contacts.request(key, &reply.to_stored()?, &event).await?;
    Ok(reply.or_replay(outcome))
}
