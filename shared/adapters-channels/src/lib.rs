//! The providers of all channels that messages to customers go through: SES for e-mail, SNS for text messages and push notifications.

use adapters::wiring::{Result, Wiring};
use adapters_ses::SesEmailSender;
use adapters_sns::{SnsPushSender, SnsSmsSender};
use domain::message_limits::MessageLimits;
use services::Channels;

/// The provider of each channel, and the limits of text messages.
#[derive(Debug)]
pub struct Providers {
    email: SesEmailSender,
    sms: SnsSmsSender,
    push: SnsPushSender,
    limits: MessageLimits,
}

impl Providers {
    pub fn channels(&self) -> Channels<'_, SesEmailSender, SnsSmsSender, SnsPushSender> {
        Channels { email: &self.email, sms: &self.sms, push: &self.push, limits: &self.limits }
    }
}

/// The providers of a function that declares all three channels and their limits.
pub fn providers(wiring: &Wiring) -> Result<Providers> {
    Ok(Providers {
        email: adapters_ses::email_sender(wiring)?,
        sms: adapters_sns::sms_sender(wiring)?,
        push: adapters_sns::push_sender(wiring)?,
        limits: wiring.message_limits()?,
    })
}
