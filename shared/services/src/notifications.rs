//! Sends a notification once per claim, through any channel.

use domain::{
    DomainEvent, Event, canary,
    event::{self, NotificationRequested, NotificationSent},
    message_limits::MessageLimits,
    notification::{self, Channel, Outcome},
};
use futures_util::future::join_all;
use kernel::{EventContext, Failure, Timestamp};
use ports::{
    Claim, ContactStore, Device, DeviceStore, EmailSender, MessageTemplates, PushSender, Recipient, SmsSender,
};

/// A notification to send.
#[derive(Debug, Clone, Copy)]
pub struct NotificationJob<'a> {
    pub claim: Claim,
    /// The event that the notification is about.
    pub about: &'a DomainEvent,
    pub notification: &'a NotificationSent,
    pub now: Timestamp,
}

/// A channel through which notifications are sent.
pub trait NotificationChannel {
    const CHANNEL: Channel;

    /// Renders the notification and sends it through the provider. Returns [`Outcome::Sent`], or why there is no address to send to.
    async fn deliver(
        &self,
        templates: &impl MessageTemplates,
        to: &Recipient,
        job: &NotificationJob<'_>,
    ) -> Result<Outcome, Failure>;
}

/// Sends notifications through one channel.
#[derive(Debug)]
pub struct Notifier<'a, C, T, N> {
    pub contacts: &'a C,
    pub templates: &'a T,
    pub channel: N,
}

impl<C: ContactStore, T: MessageTemplates, N: NotificationChannel> Notifier<'_, C, T, N> {
    /// Sends the notification about `cause`, unless the claim was made before, and records the outcome; `context` is that of the event
    /// that reports it as sent. A user who did not choose the channel gets nothing, and neither does the canary.
    ///
    /// Sending cannot be part of a transaction. A crash before the outcome is recorded, or a provider that responds too late, sends the
    /// notification again: delivery is at least once.
    pub async fn send_once(&self, claim: Claim, cause: &Event, context: EventContext<'_>) -> Result<(), Failure> {
        let notification = notification::for_event(&cause.event, N::CHANNEL);
        let notification = notification.ok_or_else(|| event::unexpected_event(&cause.event))?;
        self.send(claim, cause, &notification, context).await
    }

    /// Sends what staff requested, as [`Notifier::send_once`] does an order update. The user's preferences were checked when it was
    /// requested.
    pub async fn send_requested(&self, claim: Claim, cause: &Event, context: EventContext<'_>) -> Result<(), Failure> {
        let &NotificationRequested { order_id, user_id, template, .. } = cause.event.payload()?;
        let notification = NotificationSent { order_id, user_id, channel: N::CHANNEL, template };
        self.send(claim, cause, &notification, context).await
    }

    async fn send(
        &self,
        claim: Claim,
        cause: &Event,
        notification: &NotificationSent,
        context: EventContext<'_>,
    ) -> Result<(), Failure> {
        let about = &cause.event;
        if canary::is_customer(notification.user_id) {
            return Ok(());
        }
        if self.contacts.was_sent(claim).await? {
            return Ok(());
        }
        let missing = || Failure::unavailable("contact", "the customer's contact is not stored yet");
        let to = self.contacts.find(notification.user_id).await?.ok_or_else(missing)?;
        let is_manual = matches!(about, DomainEvent::NotificationRequested(_));
        if !is_manual && !to.opted_in(N::CHANNEL) {
            return Ok(());
        }
        let outcome = match to.blocked_reason(N::CHANNEL) {
            Some(reason) => reason,
            None => {
                let job = NotificationJob { claim, about, notification, now: context.now };
                self.channel.deliver(self.templates, &to, &job).await?
            }
        };
        match outcome {
            Outcome::Sent => {
                let event = context.event(&cause.subject, 1, notification.clone());
                self.contacts.record_sent(claim, &event).await.map(drop)
            }
            reason => self.contacts.record_not_sent(claim, notification, reason, context.now).await,
        }
    }
}

/// Sends e-mail.
#[derive(Debug)]
pub struct EmailChannel<'a, S>(pub &'a S);

impl<S: EmailSender> NotificationChannel for EmailChannel<'_, S> {
    const CHANNEL: Channel = Channel::Email;

    async fn deliver(
        &self,
        templates: &impl MessageTemplates,
        to: &Recipient,
        job: &NotificationJob<'_>,
    ) -> Result<Outcome, Failure> {
        let message = templates.render_email(job.notification.template, to, job.about)?;
        self.0.send(&message, job.claim.event_id).await?;
        Ok(Outcome::Sent)
    }
}

/// Sends text messages, to the countries and within the budgets of the limits.
#[derive(Debug)]
pub struct SmsChannel<'a, S, B> {
    pub sender: &'a S,
    pub budgets: &'a B,
    pub limits: &'a MessageLimits,
}

impl<S: SmsSender, B: ContactStore> NotificationChannel for SmsChannel<'_, S, B> {
    const CHANNEL: Channel = Channel::Sms;

    async fn deliver(
        &self,
        templates: &impl MessageTemplates,
        to: &Recipient,
        job: &NotificationJob<'_>,
    ) -> Result<Outcome, Failure> {
        let Some(phone) = &to.contact.phone else { return Ok(Outcome::NoAddress) };
        if !self.limits.countries.serve(phone) {
            return Ok(Outcome::CountryNotServed);
        }
        let message = templates.render_short(job.notification.template, to, job.about)?;
        let (user, quota) = (job.notification.user_id, &self.limits.sms);
        if !self.budgets.take_message(job.claim, user, phone, quota, job.now).await? {
            return Ok(Outcome::QuotaExceeded);
        }
        Ok(if self.sender.send(phone, &message.text).await? { Outcome::Sent } else { Outcome::Rejected })
    }
}

/// Sends push notifications to all devices of the recipient, and removes devices that cannot be reached any more.
#[derive(Debug)]
pub struct PushChannel<'a, S, D>(pub &'a S, pub &'a D);

impl<S: PushSender, D: DeviceStore> NotificationChannel for PushChannel<'_, S, D> {
    const CHANNEL: Channel = Channel::Push;

    /// Reaching one device is enough: a retry for the sake of another would show the notification twice on the first.
    async fn deliver(
        &self,
        templates: &impl MessageTemplates,
        to: &Recipient,
        job: &NotificationJob<'_>,
    ) -> Result<Outcome, Failure> {
        let message = templates.render_short(job.notification.template, to, job.about)?;
        let tag = job.claim.event_id.to_string();
        let send = async |device: &Device| {
            let reached = self.0.send(&device.endpoint, &message, &tag).await?;
            if !reached {
                self.1.prune_device(device).await?;
            }
            Ok(reached)
        };
        let results = join_all(to.devices.iter().map(send)).await;
        if results.contains(&Ok(true)) {
            return Ok(Outcome::Sent);
        }
        match results.into_iter().find_map(Result::err) {
            Some(failure) => Err(failure),
            None => Ok(Outcome::NoAddress),
        }
    }
}
