//! `POST /api/v1/notifications/send`: the back office writes to a customer, by a channel that they chose.
//!
//! 202 with what will be sent; it goes out right after, and is then in the log. The first answer again for a repeated
//! `Idempotency-Key`; a refusal is not kept, for what it is about may change any moment: a contact arrives, a device is entered.

use api::NotificationView;
use domain::{
    event::{self, NotificationRequested},
    notification::{ManualTemplate, Outcome, SendNotification, Template},
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome};
use ports::{ContactStore, NotificationRequests, Recipient};

/// Asks for something to be sent.
pub async fn handle(
    contacts: &(impl ContactStore + NotificationRequests),
    call: Call<SendNotification>,
) -> Result<Reply<NotificationView>, Failure> {
    let (wish, call) = call.into_parts();
    wish.check()?;
    let key = call.idempotency_key()?.clone();
    let nobody = || Failure::field("/user_id", "is nobody whom we can write to");
    let to = contacts.find(wish.user_id).await?.ok_or_else(nobody);
    if let Err(refusal) = to.and_then(|to| check(&wish, &to)) {
        // What was accepted before is not refused now.
        let settled = contacts.find_response(&key).await?.unwrap_or(IdempotencyOutcome::Committed);
        return Reply::rejected(refusal, settled);
    }
    let template = match wish.template {
        ManualTemplate::Message => Template::Message,
    };
    let requested = NotificationRequested {
        user_id: wish.user_id,
        order_id: wish.data.order_id,
        channel: wish.channel,
        template,
        subject: wish.data.subject,
        text: wish.data.text,
    };
    let id = call.ids.next();
    let reply = Reply::accepted(NotificationView::accepted(id, &requested, call.now));
    let event = event::wrap(id, wish.user_id, 1, call.now, &call.trace, requested);
    let settled = contacts.request(&key, &reply.to_stored()?, &event).await?;
    Ok(reply.or_replay(settled))
}

/// Whether they want to be written to that way, and can be.
fn check(wish: &SendNotification, to: &Recipient) -> Result<(), Failure> {
    if !to.opted_in(wish.channel) {
        return Err(Failure::field("/channel", "is none that this customer chose"));
    }
    match to.blocked_reason(wish.channel) {
        None => Ok(()),
        Some(Outcome::Suppressed) => Err(Failure::field("/channel", "reaches nobody: the address takes no more mail")),
        Some(_) => Err(Failure::field("/channel", "reaches nobody: there is no number, or no device")),
    }
}
