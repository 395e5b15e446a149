//! `POST /api/v1/notifications/send`: staff write to a customer, through a channel that the customer chose.
//!
//! Returns 202 with the notification, which is sent right after and then appears in the log. A repeated `Idempotency-Key` replays the
//! first response. A rejection is not stored: its reason may pass at any time, when a contact arrives or a device is registered.

use api::NotificationView;
use domain::{
    event::NotificationRequested,
    notification::{ManualTemplate, Outcome, SendNotification, Template},
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome};
use ports::{ContactStore, NotificationRequests, Recipient};

/// Requests one notification.
pub async fn handle(
    contacts: &(impl ContactStore + NotificationRequests),
    call: Call<SendNotification>,
) -> Result<Reply<NotificationView>, Failure> {
    let (command, call) = call.into_parts();
    command.check()?;
    let key = call.idempotency_key()?;
    let unknown = || Failure::field("/user_id", "has no contact");
    let to = contacts.find(command.user_id).await?.ok_or_else(unknown);
    if let Err(rejection) = to.and_then(|to| check_channel(&command, &to)) {
        // A request that was accepted before is replayed, not rejected.
        let outcome = contacts.find_response(key).await?.unwrap_or(IdempotencyOutcome::Committed);
        return Reply::rejected(rejection, outcome);
    }
    let template = match command.template {
        ManualTemplate::Message => Template::Message,
    };
    let requested = NotificationRequested {
        user_id: command.user_id,
        order_id: command.data.order_id,
        channel: command.channel,
        template,
        subject: command.data.subject,
        text: command.data.text,
    };
    let event = call.event(command.user_id, 1, requested.clone());
    let reply = Reply::accepted(NotificationView::accepted(event.id, &requested, call.now));
    let outcome = contacts.request(key, &reply.to_stored()?, &event).await?;
    Ok(reply.or_replay(outcome))
}

/// Whether the customer chose the channel and can be reached through it.
fn check_channel(command: &SendNotification, to: &Recipient) -> Result<(), Failure> {
    if !to.opted_in(command.channel) {
        return Err(Failure::field("/channel", "is not one that this customer chose"));
    }
    match services::blocked_reason(to, command.channel) {
        None => Ok(()),
        Some(Outcome::Suppressed) => {
            Err(Failure::field("/channel", "cannot be used: the customer's address is suppressed"))
        }
        Some(_) => Err(Failure::field("/channel", "cannot be used: the customer has no phone number or device")),
    }
}
