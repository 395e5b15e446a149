//! E-mail over Amazon SES, and the bounces and complaints that SES reports.

use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::builders::SendEmailFluentBuilder;
use aws_sdk_sesv2::operation::send_email::{SendEmailError, SendEmailOutput};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use catalog::Uses;
use domain::notification::Suppression;
use domain::text::Email;
use futures_util::{FutureExt as _, future::BoxFuture};
use kernel::{Failure, FailureKind, Uuid};
use ports::{EMAIL_REJECTED, EmailFeedback, EmailMessage};
use serde_json::Value;

/// Message tag with the id of the delivery, which SES returns in its feedback.
const DELIVERY_TAG: &str = "delivery";

pub fn email_sender(wiring: &Wiring) -> Result<SesEmailSender> {
    wiring.require("e-mail", |uses| matches!(uses, Uses::Email))?;
    let (from, configuration_set) = (wiring.config().email_from()?, wiring.config().email_configuration_set()?);
    Ok(SesEmailSender::new(Client::new(wiring.sdk()?), from, configuration_set))
}

#[derive(Debug, Clone)]
pub struct SesEmailSender {
    client: Client,
    from: Email,
    configuration_set: String,
}

impl SesEmailSender {
    /// `configuration_set` names the SES configuration set, which decides where bounces and complaints are published.
    pub fn new(client: Client, from: Email, configuration_set: String) -> Self {
        Self { client, from, configuration_set }
    }
}

impl ports::EmailSender for SesEmailSender {
    async fn send(&self, email: &EmailMessage, delivery: Uuid) -> Result<(), Failure> {
        let tag = MessageTag::builder().name(DELIVERY_TAG).value(delivery.to_string()).build();
        let request = self
            .client
            .send_email()
            .from_email_address(format!("Quayside <{}>", self.from.as_str()))
            .destination(Destination::builder().to_addresses(email.to.as_str()).build())
            .configuration_set_name(&self.configuration_set)
            .email_tags(tag.map_err(Failure::internal)?)
            .content(content(email).map_err(Failure::internal)?);
        let Err(error) = request_email(request).await else { return Ok(()) };
        match error.as_service_error() {
            Some(rejection) if is_permanent(rejection) => {
                let code = rejection.code().unwrap_or("rejected").to_owned();
                Err(Failure::new(FailureKind::Invalid, EMAIL_REJECTED, "The e-mail address is not accepted.")
                    .with_internal(code))
            }
            Some(rejection) if is_unverified(rejection) => {
                Err(Failure::unavailable("e-mail", "the sender is not verified"))
            }
            Some(rejection) if is_paused(rejection) => Err(Failure::unavailable(
                "e-mail",
                format!("sending is paused: {}", rejection.code().unwrap_or_default()),
            )),
            // The error message may quote the address, so only the code is reported.
            Some(rejection) => Err(aws::service_failure("e-mail", status(&error), rejection.code(), None)),
            None => Err(aws::to_failure("e-mail", &error)),
        }
    }
}

/// Boxed, so that the client is compiled here, and not in each function's crate.
fn request_email(
    request: SendEmailFluentBuilder,
) -> BoxFuture<'static, std::result::Result<SendEmailOutput, SdkError<SendEmailError>>> {
    request.send().boxed()
}

/// The message that SES publishes once to a topic that becomes an event destination.
const VALIDATION_MESSAGE: &str = "Successfully validated SNS topic";

/// Parses an event of SES event publishing. `None` for everything but bounces and complaints: the validation message of a new
/// destination, other event types, and a complaint that was withdrawn (`not-spam`).
pub fn parse_email_feedback(message: &Value) -> Result<Option<EmailFeedback>, Failure> {
    if message.as_str().is_some_and(|text| text.starts_with(VALIDATION_MESSAGE)) {
        return Ok(None);
    }
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = message.get("eventType").or_else(|| message.get("notificationType")).and_then(Value::as_str);
    let (recipients, reason) = match kind.ok_or_else(|| malformed("The message has no eventType."))? {
        "Bounce" => ("/bounce/bouncedRecipients", Suppression::Bounced),
        "Complaint" if text("/complaint/complaintFeedbackType") != "not-spam" => {
            ("/complaint/complainedRecipients", Suppression::Complained)
        }
        _ => return Ok(None),
    };
    let no_address = || malformed("The message names no valid recipient address.");
    let list = message.pointer(recipients).and_then(Value::as_array).filter(|list| !list.is_empty());
    let addresses = list.ok_or_else(no_address)?.iter().map(|one| address(one).ok_or_else(no_address));
    // A transient bounce (mailbox full, message too large) does not suppress the address.
    let is_permanent = reason == Suppression::Complained || text("/bounce/bounceType") == "Permanent";
    let delivery = message.pointer(&format!("/mail/tags/{DELIVERY_TAG}/0")).and_then(Value::as_str);
    Ok(Some(EmailFeedback {
        delivery: delivery.and_then(|id| id.parse().ok()),
        reason,
        suppress: if is_permanent { addresses.collect::<Result<_, _>>()? } else { Vec::new() },
    }))
}

fn malformed(detail: &str) -> Failure {
    Failure::new(FailureKind::Malformed, "unreadable", detail)
}

/// The address of a recipient, without the display name.
fn address(recipient: &Value) -> Option<Email> {
    let text = recipient.get("emailAddress")?.as_str()?;
    let bare = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'));
    Email::parse(bare).ok()
}

/// What SES says, as `MessageRejected`, about a sender whose identity is not verified, and in its sandbox about any recipient. The fault is the
/// configuration's: the same message can be sent once that is fixed.
fn is_unverified(rejection: &SendEmailError) -> bool {
    rejection.message().is_some_and(|text| text.contains("not verified"))
        || matches!(rejection, SendEmailError::MailFromDomainNotVerifiedException(_))
}

/// Whether SES sends nothing for the account or the configuration set until somebody lifts that, as after too many bounces or complaints. Which of
/// the codes it answers depends on who paused what.
fn is_paused(rejection: &SendEmailError) -> bool {
    rejection.code().is_some_and(|code| code.contains("SendingPaused") || code == "AccountSuspendedException")
}

/// Whether SES will never send this message to this address.
fn is_permanent(rejection: &SendEmailError) -> bool {
    let is_refused = matches!(rejection, SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_));
    is_refused && !is_unverified(rejection)
}

fn status<E>(error: &SdkError<E>) -> u16 {
    error.raw_response().map_or(0, |response| response.status().as_u16())
}

fn content(email: &EmailMessage) -> Result<EmailContent, BuildError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(utf8(&email.text)?).html(utf8(&email.html)?).build();
    let message = Message::builder().subject(utf8(&email.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters_testkit::server::{listener, sdk, serve};
    use serde_json::json;

    fn bounce(kind: &str, recipient: &str) -> Value {
        json!({
            "eventType": "Bounce",
            "bounce": { "bounceType": kind, "bouncedRecipients": [{ "emailAddress": recipient, "status": "5.1.1" }] },
            "mail": { "tags": { "delivery": ["0192f0c1-0000-7000-8000-0000000e0001"] } },
        })
    }

    #[test]
    fn permanent_bounce_suppresses_the_address() {
        for recipient in ["Ada@Example.com", "Ada Lovelace <ada@example.com>"] {
            let feedback = parse_email_feedback(&bounce("Permanent", recipient)).unwrap().unwrap();
            assert_eq!(feedback.reason, Suppression::Bounced);
            assert_eq!(feedback.suppress, [Email::parse("ada@example.com").unwrap()]);
            assert_eq!(feedback.delivery, "0192f0c1-0000-7000-8000-0000000e0001".parse().ok());
        }
    }

    #[test]
    fn transient_bounce_and_withdrawn_complaint_suppress_no_address() {
        let complaint = |kind: &str| {
            json!({
                "notificationType": "Complaint",
                "complaint": {
                    "complaintFeedbackType": kind,
                    "complainedRecipients": [{ "emailAddress": "ada@example.com" }],
                },
            })
        };
        for transient in ["Transient", "Undetermined"] {
            let feedback = parse_email_feedback(&bounce(transient, "ada@example.com")).unwrap().unwrap();
            assert_eq!((feedback.reason, feedback.suppress), (Suppression::Bounced, vec![]), "{transient}");
            assert!(feedback.delivery.is_some());
        }
        let validation = json!("Successfully validated SNS topic for Amazon SES event publishing.");
        for nothing in [complaint("not-spam"), json!({ "eventType": "Delivery" }), validation] {
            assert_eq!(parse_email_feedback(&nothing), Ok(None), "{nothing}");
        }
        let complained = parse_email_feedback(&complaint("abuse")).unwrap().unwrap();
        assert_eq!((complained.reason, complained.delivery), (Suppression::Complained, None));
    }

    #[test]
    fn malformed_feedback_is_rejected_without_quoting_an_address() {
        let no_recipient =
            json!({ "eventType": "Bounce", "bounce": { "bounceType": "Permanent", "bouncedRecipients": [] } });
        for broken in [json!({}), json!("x"), bounce("Permanent", "who is that?"), no_recipient] {
            let failure = parse_email_feedback(&broken).unwrap_err();
            assert!(!failure.is_retryable() && !failure.to_string().contains("who"), "{failure}");
        }
    }

    /// The failure of an e-mail that SES answers with this error.
    async fn failure_of(code: &'static str, message: &str) -> Failure {
        use ports::EmailSender as _;
        let (listener, url) = listener().await;
        let from = Email::parse("shop@example.com").unwrap();
        let sender = SesEmailSender::new(Client::new(&sdk(&url)), from, "feedback".to_owned());
        let text = || "It is here.".to_owned();
        let to = Email::parse("ada@example.com").unwrap();
        let email = EmailMessage { to, subject: text(), text: text(), html: text() };
        let answer = json!({ "__type": code, "message": message }).to_string();
        let answers = [(400, answer.as_str())];
        let (_, sent) = tokio::join!(serve(listener, &answers), sender.send(&email, Uuid::from_u128(7)));
        sent.unwrap_err()
    }

    #[tokio::test]
    async fn unverified_sender_is_no_fault_of_the_address() {
        let unverified = "Email address is not verified. The following identities failed the check: shop@example.com";
        for (code, message) in [
            ("MessageRejected", unverified),
            ("MailFromDomainNotVerifiedException", "The MAIL FROM domain is pending."),
        ] {
            let failure = failure_of(code, message).await;
            assert!(failure.is_retryable() && failure.code != EMAIL_REJECTED, "{failure}");
            assert!(!failure.to_string().contains("shop@"), "{failure}");
        }
        let failure = failure_of("MessageRejected", "Address blacklisted.").await;
        assert_eq!((failure.kind, failure.code), (FailureKind::Invalid, EMAIL_REJECTED));
    }

    #[tokio::test]
    async fn paused_sending_is_unavailable_because_the_message_can_be_sent_later() {
        for code in [
            "SendingPausedException",
            "AccountSendingPausedException",
            "ConfigurationSetSendingPausedException",
            "AccountSuspendedException",
        ] {
            let failure = failure_of(code, "Sending is paused for shop@example.com.").await;
            assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
            assert!(!failure.to_string().contains("shop@"), "{failure}");
        }
        assert_eq!(failure_of("NotFoundException", "No configuration set.").await.kind, FailureKind::Internal);
    }

    #[tokio::test]
    async fn email_is_sent_with_its_configuration_set_and_delivery_tag() {
        use ports::EmailSender as _;
        let (listener, url) = listener().await;
        let from = Email::parse("shop@example.com").unwrap();
        let sender = SesEmailSender::new(Client::new(&sdk(&url)), from, "feedback".to_owned());
        let email = EmailMessage {
            to: Email::parse("ada@example.com").unwrap(),
            subject: "Your order".to_owned(),
            text: "It is here.".to_owned(),
            html: "<p>It is here.</p>".to_owned(),
        };
        let delivery = Uuid::from_u128(7);
        let (requests, sent) = tokio::join!(serve(listener, &[(200, r#"{"MessageId":"m-1"}"#)]), async {
            sender.send(&email, delivery).await
        });
        sent.unwrap();
        let (_, body) = requests[0].split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["ConfigurationSetName"], "feedback");
        assert_eq!(body["EmailTags"], json!([{ "Name": "delivery", "Value": delivery.to_string() }]));
        assert_eq!(body["Destination"]["ToAddresses"], json!(["ada@example.com"]));
    }
}
