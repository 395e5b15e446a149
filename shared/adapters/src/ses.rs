//! Mail: Amazon SES.

use crate::aws;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use domain::notification::{DELIVERY_TAG, Suppression};
use domain::text::Email;
use kernel::{Failure, FailureKind, Uuid};
use ports::{EmailFeedback, EmailMessage};
use serde_json::Value;

/// Mail over SES.
#[derive(Debug, Clone)]
pub struct SesEmailSender {
    client: Client,
    from: Email,
    configuration: String,
}

impl SesEmailSender {
    /// Mail from this sender, under the configuration set of that name, which says where it is told what becomes of it.
    pub fn new(client: Client, from: Email, configuration: String) -> Self {
        Self { client, from, configuration }
    }
}

impl ports::EmailSender for SesEmailSender {
    async fn send(&self, letter: &EmailMessage, delivery: Uuid) -> Result<(), Failure> {
        let mark = MessageTag::builder().name(DELIVERY_TAG).value(delivery.to_string()).build();
        let answer = self
            .client
            .send_email()
            .from_email_address(format!("Quayside <{}>", self.from.as_str()))
            .destination(Destination::builder().to_addresses(letter.to.as_str()).build())
            .configuration_set_name(&self.configuration)
            .email_tags(mark.map_err(Failure::internal)?)
            .content(content(letter).map_err(Failure::internal)?)
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        match error.as_service_error() {
            Some(refusal) if is_final(refusal) => {
                let code = refusal.code().unwrap_or("refused").to_owned();
                Err(Failure::new(FailureKind::Invalid, "email-rejected", "The address does not take mail.")
                    .with_internal(code))
            }
            // What SES says of a refusal may repeat the address, so only its code is told.
            Some(refusal) => Err(aws::refused("mail", status(&error), refusal.code(), None)),
            None => Err(aws::failed("mail", &error)),
        }
    }
}

/// What SES says to a topic once, when it is told to publish there.
const GREETING: &str = "Successfully validated SNS topic";

/// What SES tells of a letter, as its event publishing writes it. None for what is no news of a letter that did not arrive: its greeting,
/// and a letter that its reader calls wanted after all.
pub fn parse_email_feedback(notice: &Value) -> Result<Option<EmailFeedback>, Failure> {
    if notice.as_str().is_some_and(|text| text.starts_with(GREETING)) {
        return Ok(None);
    }
    let text = |pointer: &str| notice.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = notice.get("eventType").or_else(|| notice.get("notificationType")).and_then(Value::as_str);
    let (recipients, why) = match kind.ok_or_else(|| unreadable("The notice names no eventType."))? {
        "Bounce" => ("/bounce/bouncedRecipients", Suppression::Bounced),
        "Complaint" if text("/complaint/complaintFeedbackType") != "not-spam" => {
            ("/complaint/complainedRecipients", Suppression::Complained)
        }
        _ => return Ok(None),
    };
    let no_address = || unreadable("The notice names no address that can be read.");
    let list = notice.pointer(recipients).and_then(Value::as_array).filter(|list| !list.is_empty());
    let addresses = list.ok_or_else(no_address)?.iter().map(|one| address(one).ok_or_else(no_address));
    // A mailbox that is full, or a letter that is too large, loses this letter and not the next.
    let is_final = why == Suppression::Complained || text("/bounce/bounceType") == "Permanent";
    let delivery = notice.pointer(&format!("/mail/tags/{DELIVERY_TAG}/0")).and_then(Value::as_str);
    Ok(Some(EmailFeedback {
        delivery: delivery.and_then(|id| id.parse().ok()),
        why,
        suppress: if is_final { addresses.collect::<Result<_, _>>()? } else { Vec::new() },
    }))
}

fn unreadable(detail: &str) -> Failure {
    Failure::new(FailureKind::Malformed, "unreadable", detail)
}

/// A recipient's address, which may have a name before it.
fn address(recipient: &Value) -> Option<Email> {
    let text = recipient.get("emailAddress")?.as_str()?;
    let bare = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'));
    Email::parse(bare).ok()
}

fn is_final(refusal: &SendEmailError) -> bool {
    matches!(refusal, SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_))
}

fn status<E>(error: &aws_sdk_sesv2::error::SdkError<E>) -> u16 {
    error.raw_response().map_or(0, |answer| answer.status().as_u16())
}

fn content(letter: &EmailMessage) -> Result<EmailContent, BuildError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(utf8(&letter.text)?).html(utf8(&letter.html)?).build();
    let message = Message::builder().subject(utf8(&letter.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{listener, sdk, serve};
    use serde_json::json;

    fn bounce(kind: &str, recipient: &str) -> Value {
        json!({
            "eventType": "Bounce",
            "bounce": { "bounceType": kind, "bouncedRecipients": [{ "emailAddress": recipient, "status": "5.1.1" }] },
            "mail": { "tags": { "delivery": ["0192f0c1-0000-7000-8000-0000000e0001"] } },
        })
    }

    #[test]
    fn a_letter_that_came_back_for_good_closes_its_address() {
        for recipient in ["Ada@Example.com", "Ada Lovelace <ada@example.com>"] {
            let returned = parse_email_feedback(&bounce("Permanent", recipient)).unwrap().unwrap();
            assert_eq!(returned.why, Suppression::Bounced);
            assert_eq!(returned.suppress, [Email::parse("ada@example.com").unwrap()]);
            assert_eq!(returned.delivery, "0192f0c1-0000-7000-8000-0000000e0001".parse().ok());
        }
    }

    #[test]
    fn what_may_pass_closes_no_address_and_what_is_wanted_after_all_is_no_news() {
        let complaint = |feedback: &str| {
            json!({
                "notificationType": "Complaint",
                "complaint": {
                    "complaintFeedbackType": feedback,
                    "complainedRecipients": [{ "emailAddress": "ada@example.com" }],
                },
            })
        };
        for passing in ["Transient", "Undetermined"] {
            let returned = parse_email_feedback(&bounce(passing, "ada@example.com")).unwrap().unwrap();
            assert_eq!((returned.why, returned.suppress), (Suppression::Bounced, vec![]), "{passing}");
            assert!(returned.delivery.is_some());
        }
        let greeting = json!("Successfully validated SNS topic for Amazon SES event publishing.");
        for nothing in [complaint("not-spam"), json!({ "eventType": "Delivery" }), greeting] {
            assert_eq!(parse_email_feedback(&nothing), Ok(None), "{nothing}");
        }
        let complained = parse_email_feedback(&complaint("abuse")).unwrap().unwrap();
        assert_eq!((complained.why, complained.delivery), (Suppression::Complained, None));
    }

    #[test]
    fn a_notice_that_cannot_be_read_says_so_without_repeating_an_address() {
        let nobody = json!({ "eventType": "Bounce", "bounce": { "bounceType": "Permanent", "bouncedRecipients": [] } });
        for broken in [json!({}), json!("x"), bounce("Permanent", "who is that?"), nobody] {
            let failure = parse_email_feedback(&broken).unwrap_err();
            assert!(!failure.is_retryable() && !failure.to_string().contains("who"), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_letter_goes_out_under_the_rules_that_tell_what_becomes_of_it_and_with_its_delivery_as_a_tag() {
        use ports::EmailSender as _;
        let (listener, url) = listener().await;
        let from = Email::parse("shop@example.com").unwrap();
        let mailer = SesEmailSender::new(Client::new(&sdk(&url)), from, "the-rules".to_owned());
        let letter = EmailMessage {
            to: Email::parse("ada@example.com").unwrap(),
            subject: "Your order".to_owned(),
            text: "It is here.".to_owned(),
            html: "<p>It is here.</p>".to_owned(),
        };
        let delivery = Uuid::from_u128(7);
        let (asked, sent) = tokio::join!(serve(listener, &[(200, r#"{"MessageId":"m-1"}"#)]), async {
            mailer.send(&letter, delivery).await
        });
        sent.unwrap();
        let (_, body) = asked[0].split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["ConfigurationSetName"], "the-rules");
        assert_eq!(body["EmailTags"], json!([{ "Name": "delivery", "Value": delivery.to_string() }]));
        assert_eq!(body["Destination"]["ToAddresses"], json!(["ada@example.com"]));
    }
}
