//! Sends a token, or the notice that an address was replaced, by e-mail or as a text message.

use domain::{
    message_limits::CallingCodes,
    text::{Email, Phone},
    verification::{ContactKind, Token, Verification},
};
use kernel::{Failure, FailureKind, Uuid};
use ports::{EmailMessage, EmailSender, PasswordResetSender, SmsSender, VerificationMessages, VerificationSender};

/// Renders a message and sends it through the provider of the address.
#[derive(Debug)]
pub struct VerificationMessageSender<'a, M, E, S> {
    pub messages: &'a M,
    pub email: &'a E,
    pub sms: &'a S,
    /// Where text messages go. A number elsewhere gets none.
    pub countries: &'a CallingCodes,
}

/// Renders and sends the e-mail with the token for a new password.
#[derive(Debug)]
pub struct PasswordResetMailer<'a, M, E> {
    pub messages: &'a M,
    pub email: &'a E,
}

impl<M: VerificationMessages, E: EmailSender> PasswordResetSender for PasswordResetMailer<'_, M, E> {
    async fn send_reset(&self, to: Email, id: Uuid, token: &Token) -> Result<(), Failure> {
        send_email(self.email, &self.messages.reset_email(to, token)?, id).await
    }
}

/// Sends an e-mail. An address that is rejected permanently gets none.
async fn send_email(sender: &impl EmailSender, message: &EmailMessage, id: Uuid) -> Result<(), Failure> {
    match sender.send(message, id).await {
        Err(rejected) if rejected.kind == FailureKind::Invalid => Ok(()),
        sent => sent,
    }
}

impl<M, E, S: SmsSender> VerificationMessageSender<'_, M, E, S> {
    async fn send_sms(&self, to: &Phone, text: impl Fn() -> Result<String, Failure>) -> Result<(), Failure> {
        match self.countries.serve(to) {
            true => self.sms.send(to, &text()?).await.map(drop),
            false => Ok(()),
        }
    }
}

impl<M: VerificationMessages, E: EmailSender, S: SmsSender> VerificationSender
    for VerificationMessageSender<'_, M, E, S>
{
    async fn send_token(&self, verification: &Verification, token: &Token) -> Result<(), Failure> {
        let unreadable = |_| Failure::internal("a stored address cannot be parsed");
        match verification.kind {
            ContactKind::Email => {
                let to = Email::parse(&verification.address).map_err(unreadable)?;
                let message = self.messages.verification_email(to, token)?;
                send_email(self.email, &message, verification.id).await
            }
            ContactKind::Phone => {
                let to = Phone::parse(&verification.address).map_err(unreadable)?;
                self.send_sms(&to, || self.messages.verification_sms(token)).await
            }
        }
    }

    async fn tell_replaced_email(&self, to: &Email, id: Uuid) -> Result<(), Failure> {
        send_email(self.email, &self.messages.replaced_email(to.clone())?, id).await
    }

    async fn tell_replaced_phone(&self, to: &Phone) -> Result<(), Failure> {
        self.send_sms(to, || self.messages.replaced_sms()).await
    }
}
