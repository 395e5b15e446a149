//! Sends to a customer what the back office wrote, by the channel that it chose.

use domain::{
    DomainEvent,
    event::{self, NotificationSent},
    notification::Channel,
};
use edge::Delivery;
use kernel::Failure;
use ports::{
    Claim, ContactStore, DeviceStore, EmailChannel, EmailSender, MessageTemplates, NotificationJob, PushChannel,
    PushSender, SmsChannel, SmsSender, send_once,
};

/// Sends one message.
pub async fn handle(
    contacts: &(impl ContactStore + DeviceStore),
    letters: &impl MessageTemplates,
    (mailer, texter, pusher): (&impl EmailSender, &impl SmsSender, &impl PushSender),
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let about = &delivery.event.event;
    let DomainEvent::NotificationRequested(asked) = about else { return Err(event::unexpected_event(about)) };
    let sent = NotificationSent {
        order_id: asked.order_id,
        user_id: asked.user_id,
        channel: asked.channel,
        template: asked.template,
    };
    let event = event::wrap(delivery.ids.next(), asked.user_id, 1, delivery.now, &delivery.trace, sent.clone());
    let claim = Claim { consumer: catalog::MESSAGE_SEND.name, event_id: delivery.event.id };
    let errand = NotificationJob { claim, about, sent: &sent, event: &event };
    match asked.channel {
        Channel::Email => send_once(contacts, letters, &EmailChannel(mailer), errand).await,
        Channel::Sms => send_once(contacts, letters, &SmsChannel(texter), errand).await,
        Channel::Push => send_once(contacts, letters, &PushChannel(pusher, contacts), errand).await,
    }
}
