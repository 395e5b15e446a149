//! Mail: Amazon SES.

use crate::aws;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use domain::text::Email;
use kernel::{Failure, Kind};
use ports::Letter;

/// Mail over SES.
#[derive(Debug, Clone)]
pub struct SesMailer {
    client: Client,
    from: Email,
}

impl SesMailer {
    /// Mail from this sender.
    pub fn new(client: Client, from: Email) -> Self {
        Self { client, from }
    }
}

impl ports::Mailer for SesMailer {
    async fn send(&self, letter: &Letter) -> Result<(), Failure> {
        let answer = self
            .client
            .send_email()
            .from_email_address(format!("Quayside <{}>", self.from.as_str()))
            .destination(Destination::builder().to_addresses(letter.to.as_str()).build())
            .content(content(letter).map_err(Failure::internal)?)
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        match error.as_service_error() {
            Some(refusal) if is_final(refusal) => {
                let code = refusal.code().unwrap_or("refused").to_owned();
                Err(Failure::new(Kind::Invalid, "mail-refused", "The address does not take mail.").because(code))
            }
            // What SES says of a refusal may repeat the address, so only its code is told.
            Some(refusal) => Err(aws::refused("mail", status(&error), refusal.code(), None)),
            None => Err(aws::failed("mail", &error)),
        }
    }
}

fn is_final(refusal: &SendEmailError) -> bool {
    matches!(refusal, SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_))
}

fn status<E>(error: &aws_sdk_sesv2::error::SdkError<E>) -> u16 {
    error.raw_response().map_or(0, |answer| answer.status().as_u16())
}

fn content(letter: &Letter) -> Result<EmailContent, BuildError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(utf8(&letter.text)?).html(utf8(&letter.html)?).build();
    let message = Message::builder().subject(utf8(&letter.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}
