//! Sends notifications, each once per claim, through the channels of its recipient.

use domain::{
    Event, canary,
    event::{self, NotificationRequested, NotificationSent},
    id::UserId,
    message_limits::MessageLimits,
    message_template::TemplateTexts,
    notification::{self, Channel, NotificationOutcome, Template},
};
use futures_util::future::join_all;
use kernel::{EventContext, Failure};
use ports::{
    Claim, ContactStore, Device, DeviceStore, EMAIL_REJECTED, EmailSender, MessageTemplates, PushSender, Recipient,
    SmsSender,
};

/// The providers of the channels, and the limits of text messages.
#[derive(Debug)]
pub struct Channels<'a, E, S, P> {
    pub email: &'a E,
    pub sms: &'a S,
    pub push: &'a P,
    pub limits: &'a MessageLimits,
}

impl<E, S, P> Clone for Channels<'_, E, S, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, S, P> Copy for Channels<'_, E, S, P> {}

/// Sends notifications to contacts.
#[derive(Debug)]
pub struct Notifier<'a, C, T, E, S, P> {
    pub contacts: &'a C,
    pub templates: &'a T,
    pub channels: Channels<'a, E, S, P>,
    /// Logs that something failed for an item: a channel whose failure is not returned.
    pub log: fn(&'static str, &'static str, &Failure),
}

/// A notification to send.
#[derive(Debug, Clone, Copy)]
struct NotificationJob<'a> {
    claim: Claim,
    /// The event that the notification is about.
    about: &'a Event,
    notification: &'a NotificationSent,
    /// The context of the event that reports it as sent.
    context: EventContext<'a>,
    /// What staff wrote instead of the built-in texts.
    edited: Option<&'a TemplateTexts>,
}

impl<C, T, E, S, P> Notifier<'_, C, T, E, S, P>
where
    C: ContactStore + DeviceStore,
    T: MessageTemplates,
    E: EmailSender,
    S: SmsSender,
    P: PushSender,
{
    /// Notifies the user of `about`, an update of their order, through each channel that they chose. All are tried, also if one fails;
    /// each has a claim of its own, so that a retry repeats those alone that failed. Of several failures one that may pass is returned, and the
    /// others are logged. The canary gets nothing.
    ///
    /// Sending cannot be part of a transaction. A crash before the outcome is recorded, or a provider that responds too late, sends the
    /// notification again: delivery is at least once.
    pub async fn send_update(&self, about: &Event, context: EventContext<'_>) -> Result<(), Failure> {
        let of = |channel| notification::for_event(&about.event, channel);
        let email = of(Channel::Email).ok_or_else(|| event::unexpected_event(&about.event))?;
        if canary::is_customer(email.user_id) {
            return Ok(());
        }
        let Some((to, edited)) = self.recipient(email.user_id, email.template).await? else { return Ok(()) };
        let edited = edited.as_ref();
        let send = async |channel: Channel| {
            let Some(notification) = &of(channel) else { return Ok(()) };
            let claim = Claim { consumer: channel.name(), event_id: about.id };
            if self.contacts.was_sent(claim).await? {
                return Ok(());
            }
            self.send(&to, NotificationJob { claim, about, notification, context, edited }).await
        };
        let channels: Vec<Channel> = to.preferences.channels.iter().copied().collect();
        let sent = join_all(channels.iter().copied().map(send)).await;
        let failed = channels.into_iter().zip(sent).filter_map(|(channel, sent)| Some((channel, sent.err()?)));
        self.decisive(failed.collect()).map_or(Ok(()), Err)
    }

    /// The failure that decides about a retry: one that may pass, if there is one. The others are logged.
    fn decisive(&self, mut failed: Vec<(Channel, Failure)>) -> Option<Failure> {
        failed.sort_by_key(|(_, failure)| !failure.is_retryable());
        let mut failed = failed.into_iter();
        let (_, decisive) = failed.next()?;
        failed.for_each(|(channel, failure)| self.log_failed(channel, &failure));
        Some(decisive)
    }

    fn log_failed(&self, channel: Channel, failure: &Failure) {
        (self.log)("notification", channel.name(), failure);
    }

    /// Sends what staff requested, unless the claim was made before. The user's preferences were checked when it was requested. The canary
    /// gets nothing.
    pub async fn send_requested(&self, claim: Claim, about: &Event, context: EventContext<'_>) -> Result<(), Failure> {
        let &NotificationRequested { order_id, user_id, template, channel, .. } = about.event.payload()?;
        if canary::is_customer(user_id) || self.contacts.was_sent(claim).await? {
            return Ok(());
        }
        let notification = &NotificationSent { order_id, user_id, channel, template };
        let Some((to, edited)) = self.recipient(user_id, template).await? else { return Ok(()) };
        self.send(&to, NotificationJob { claim, about, notification, context, edited: edited.as_ref() }).await
    }

    /// The recipient, with the texts of `template` that staff wrote in their language; `None` if the user was erased.
    async fn recipient(
        &self,
        user: UserId,
        template: Template,
    ) -> Result<Option<(Recipient, Option<TemplateTexts>)>, Failure> {
        let found = self.contacts.find_for(user, template).await?;
        if found.is_none() && !self.contacts.is_erased(user).await? {
            return Err(Failure::unavailable("contact", "the customer's contact is not stored yet"));
        }
        Ok(found)
    }

    /// Sends a notification if its recipient can be reached, and records the outcome.
    async fn send(&self, to: &Recipient, job: NotificationJob<'_>) -> Result<(), Failure> {
        let NotificationJob { claim, about, notification, context, .. } = job;
        let outcome = match to.blocked_reason(notification.channel) {
            Some(reason) => reason,
            None => self.deliver(to, &job).await?,
        };
        match outcome {
            NotificationOutcome::Sent => {
                let event = context.event(&about.subject, 1, notification.clone());
                self.contacts.record_sent(claim, &event).await.map(drop)
            }
            reason => self.contacts.record_not_sent(claim, notification, reason, context.now).await,
        }
    }

    /// Renders a notification and sends it through the provider. Returns [`NotificationOutcome::Sent`], or why there is no address to send to.
    async fn deliver(&self, to: &Recipient, job: &NotificationJob<'_>) -> Result<NotificationOutcome, Failure> {
        let (template, about) = (job.notification.template, &job.about.event);
        match job.notification.channel {
            Channel::Email => {
                let message = self.templates.render_email(template, to, about, job.edited)?;
                match self.channels.email.send(&message, job.claim.event_id).await {
                    Err(refused) if refused.code == EMAIL_REJECTED => Ok(NotificationOutcome::Rejected),
                    sent => sent.map(|()| NotificationOutcome::Sent),
                }
            }
            Channel::Sms => self.send_sms(to, job).await,
            Channel::Push => self.send_push(to, job).await,
        }
    }

    /// Sends to the countries and within the budgets of the limits.
    async fn send_sms(&self, to: &Recipient, job: &NotificationJob<'_>) -> Result<NotificationOutcome, Failure> {
        let Channels { sms, limits, .. } = self.channels;
        let Some(phone) = &to.contact.phone else { return Ok(NotificationOutcome::NoAddress) };
        if !limits.countries.serve(phone) {
            return Ok(NotificationOutcome::CountryNotServed);
        }
        let message = self.templates.render_short(job.notification.template, to, &job.about.event, job.edited)?;
        let (user, now) = (job.notification.user_id, job.context.now);
        if !self.contacts.take_message(job.claim, user, phone, &limits.sms, now).await? {
            return Ok(NotificationOutcome::QuotaExceeded);
        }
        Ok(if sms.send(phone, &message.text).await? {
            NotificationOutcome::Sent
        } else {
            NotificationOutcome::Rejected
        })
    }

    /// Sends to all devices of the recipient, and removes those that cannot be reached any more. Reaching one is enough: a retry for the
    /// sake of another would show the notification twice on the first; the failure of the other is logged.
    async fn send_push(&self, to: &Recipient, job: &NotificationJob<'_>) -> Result<NotificationOutcome, Failure> {
        let message = self.templates.render_short(job.notification.template, to, &job.about.event, job.edited)?;
        let tag = job.claim.event_id.to_string();
        let send = async |device: &Device| {
            let sent = self.channels.push.send(&device.endpoint, &message, &tag).await;
            let reached = sent.map_err(|failure| of_device(device, failure))?;
            if !reached {
                self.contacts.prune_device(device).await?;
            }
            Ok(reached)
        };
        let results = join_all(to.devices.iter().map(send)).await;
        let is_reached = results.contains(&Ok(true));
        let failed: Vec<_> = results.into_iter().filter_map(|result| Some((Channel::Push, result.err()?))).collect();
        if is_reached {
            failed.iter().for_each(|(channel, failure)| self.log_failed(*channel, failure));
            return Ok(NotificationOutcome::Sent);
        }
        self.decisive(failed).map_or(Ok(NotificationOutcome::NoAddress), Err)
    }
}

/// The failure with the device in its cause.
fn of_device(device: &Device, failure: Failure) -> Failure {
    let cause = failure.internal.as_deref().unwrap_or(&failure.detail);
    let cause = format!("device {}: {cause}", device.id);
    failure.with_internal(cause)
}
