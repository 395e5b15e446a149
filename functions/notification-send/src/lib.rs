//! `POST /api/v1/notifications/send`: the back office writes to a customer.
//!
//! 202 with what will be sent; the letter goes out right after, and is then in the log. The first answer again for a repeated
//! `Idempotency-Key`; a refusal is kept as the answer, too.

use api::NotificationView;
use domain::{
    event::{self, NotificationRequested},
    notification::{ByHand, SendNotification, Template},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{ContactBook, NotificationDesk};

/// Asks for a letter to be sent.
pub async fn handle(
    contacts: &(impl ContactBook + NotificationDesk),
    call: Call<SendNotification>,
) -> Result<Reply<NotificationView>, Failure> {
    let (wish, call) = call.into_parts();
    let key = call.idempotency()?.clone();
    if contacts.find(wish.user_id).await?.is_none() {
        let refusal = Failure::field("/user_id", "is nobody whom we can write to");
        let settled = contacts.refuse(&key, &call.problem(&refusal)).await?;
        return Reply::refused(refusal, settled);
    }
    let template = match wish.template {
        ByHand::Message => Template::Message,
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
    let event = event::envelop(id, wish.user_id, 1, call.now, &call.trace, requested);
    let settled = contacts.request(&key, &reply.to_stored()?, &event).await?;
    Ok(reply.settle(settled))
}
