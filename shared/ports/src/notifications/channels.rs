//! How something is told once, whatever the channel.

use super::{ContactStore, Device, DeviceStore, EmailSender, MessageTemplates, PushSender, Recipient, SmsSender};
use crate::Claim;
use domain::{
    DomainEvent, Event,
    event::NotificationSent,
    notification::{Channel, Outcome},
};
use futures_util::future::join_all;
use kernel::Failure;

/// Something that is to be told.
#[derive(Debug, Clone, Copy)]
pub struct NotificationJob<'a> {
    /// Stands for it: who tells it of which event.
    pub claim: Claim,
    /// The event that it is about.
    pub about: &'a DomainEvent,
    /// What, how and to whom.
    pub sent: &'a NotificationSent,
    /// Tells that it was sent.
    pub event: &'a Event,
}

/// One channel.
pub trait NotificationChannel {
    /// Which.
    const CHANNEL: Channel;

    /// Hands it over to who carries it; [`Outcome::Sent`], or why there is nobody to hand it over for.
    async fn deliver(
        &self,
        letters: &impl MessageTemplates,
        to: &Recipient,
        errand: &NotificationJob<'_>,
    ) -> Result<Outcome, Failure>;
}

/// Tells somebody something, unless that was done for this claim before, and keeps what became of it. Who did not choose the
/// channel is told nothing, unless a person wrote to them by hand.
///
/// What is handed over cannot be part of a transaction: a crash between handing it over and keeping that sends it again, and so does an
/// answer of the carrier that comes too late. At least once, and once but for that.
pub async fn send_once<C: NotificationChannel>(
    contacts: &impl ContactStore,
    letters: &impl MessageTemplates,
    courier: &C,
    errand: NotificationJob<'_>,
) -> Result<(), Failure> {
    if contacts.was_sent(errand.claim).await? {
        return Ok(());
    }
    let on_its_way = || Failure::unavailable("contact", "the customer's contact has not arrived yet");
    let to = contacts.find(errand.sent.user_id).await?.ok_or_else(on_its_way)?;
    let by_hand = matches!(errand.about, DomainEvent::NotificationRequested(_));
    if !by_hand && !to.opted_in(C::CHANNEL) {
        return Ok(());
    }
    let outcome = match to.blocked_reason(C::CHANNEL) {
        Some(blocked_reason) => blocked_reason,
        None => courier.deliver(letters, &to, &errand).await?,
    };
    match outcome {
        Outcome::Sent => contacts.record_sent(errand.claim, errand.event).await.map(drop),
        why => contacts.record_not_sent(errand.claim, errand.sent, why, errand.event.time).await,
    }
}

/// By mail.
#[derive(Debug)]
pub struct EmailChannel<'a, M>(pub &'a M);

impl<M: EmailSender> NotificationChannel for EmailChannel<'_, M> {
    const CHANNEL: Channel = Channel::Email;

    async fn deliver(
        &self,
        letters: &impl MessageTemplates,
        to: &Recipient,
        errand: &NotificationJob<'_>,
    ) -> Result<Outcome, Failure> {
        let letter = letters.render_email(errand.sent.template, to, errand.about)?;
        self.0.send(&letter, errand.claim.event_id).await?;
        Ok(Outcome::Sent)
    }
}

/// By text message.
#[derive(Debug)]
pub struct SmsChannel<'a, T>(pub &'a T);

impl<T: SmsSender> NotificationChannel for SmsChannel<'_, T> {
    const CHANNEL: Channel = Channel::Sms;

    async fn deliver(
        &self,
        letters: &impl MessageTemplates,
        to: &Recipient,
        errand: &NotificationJob<'_>,
    ) -> Result<Outcome, Failure> {
        let Some(phone) = &to.contact.phone else { return Ok(Outcome::NoAddress) };
        let note = letters.render_short(errand.sent.template, to, errand.about)?;
        Ok(if self.0.send(phone, &note.text).await? { Outcome::Sent } else { Outcome::Refused })
    }
}

/// By a notice on every device, and forgets the devices that are not reached any more.
#[derive(Debug)]
pub struct PushChannel<'a, P, D>(pub &'a P, pub &'a D);

impl<P: PushSender, D: DeviceStore> NotificationChannel for PushChannel<'_, P, D> {
    const CHANNEL: Channel = Channel::Push;

    /// One device that is reached is enough: what comes again for the sake of another would be shown twice on the first.
    async fn deliver(
        &self,
        letters: &impl MessageTemplates,
        to: &Recipient,
        errand: &NotificationJob<'_>,
    ) -> Result<Outcome, Failure> {
        let note = letters.render_short(errand.sent.template, to, errand.about)?;
        let mark = errand.claim.event_id.to_string();
        let show = async |device: &Device| {
            let shown = self.0.send(&device.endpoint, &note, &mark).await?;
            if !shown {
                self.1.prune_device(device).await?;
            }
            Ok(shown)
        };
        let shown = join_all(to.devices.iter().map(show)).await;
        if shown.contains(&Ok(true)) {
            return Ok(Outcome::Sent);
        }
        match shown.into_iter().find_map(Result::err) {
            Some(failure) => Err(failure),
            None => Ok(Outcome::NoAddress),
        }
    }
}
