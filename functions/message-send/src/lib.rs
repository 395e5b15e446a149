//! Sends to a customer what the back office wrote, by the channel that it chose.

use domain::{
    DomainEvent,
    event::{self, NotificationSent},
    notification::Channel,
};
use edge::Delivery;
use kernel::Failure;
use ports::{
    ByMail, ByPush, BySms, Claim, ContactBook, DeviceBook, Errand, LetterWriter, Mailer, Pusher, Texter, send_once,
};

/// Sends one message.
pub async fn handle(
    contacts: &(impl ContactBook + DeviceBook),
    letters: &impl LetterWriter,
    (mailer, texter, pusher): (&impl Mailer, &impl Texter, &impl Pusher),
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let about = &delivery.event.event;
    let DomainEvent::NotificationRequested(asked) = about else { return Err(event::unexpected(about)) };
    let sent = NotificationSent {
        order_id: asked.order_id,
        user_id: asked.user_id,
        channel: asked.channel,
        template: asked.template,
    };
    let event = event::envelop(delivery.ids.next(), asked.user_id, 1, delivery.now, &delivery.trace, sent.clone());
    let claim = Claim { consumer: catalog::MESSAGE_SEND.name, event_id: delivery.event.id };
    let errand = Errand { claim, about, sent: &sent, event: &event };
    match asked.channel {
        Channel::Email => send_once(contacts, letters, &ByMail(mailer), errand).await,
        Channel::Sms => send_once(contacts, letters, &BySms(texter), errand).await,
        Channel::Push => send_once(contacts, letters, &ByPush(pusher, contacts), errand).await,
    }
}
