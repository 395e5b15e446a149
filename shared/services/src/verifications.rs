//! Sends a token by e-mail or as a text message.

use domain::{
    message_limits::CallingCodes,
    text::{Email, Phone},
    verification::{ContactKind, Token, Verification},
};
use kernel::{Failure, FailureKind};
use ports::{EmailSender, SmsSender, TokenSender, VerificationMessages};

/// Renders the message of a token and sends it through the provider of the address.
#[derive(Debug)]
pub struct MessageTokenSender<'a, M, E, S> {
    pub messages: &'a M,
    pub email: &'a E,
    pub sms: &'a S,
    /// Where text messages go. A number elsewhere gets none.
    pub countries: &'a CallingCodes,
}

impl<M: VerificationMessages, E: EmailSender, S: SmsSender> TokenSender for MessageTokenSender<'_, M, E, S> {
    async fn send_token(&self, verification: &Verification, token: &Token) -> Result<(), Failure> {
        let unreadable = |_| Failure::internal("a stored address cannot be parsed");
        match verification.kind {
            ContactKind::Email => {
                let to = Email::parse(&verification.address).map_err(unreadable)?;
                let message = self.messages.verification_email(to, token)?;
                match self.email.send(&message, verification.id).await {
                    Err(rejected) if rejected.kind == FailureKind::Invalid => Ok(()),
                    sent => sent,
                }
            }
            ContactKind::Phone => {
                let to = Phone::parse(&verification.address).map_err(unreadable)?;
                if !self.countries.serve(&to) {
                    return Ok(());
                }
                self.sms.send(&to, &self.messages.verification_sms(token)?).await.map(drop)
            }
        }
    }
}
