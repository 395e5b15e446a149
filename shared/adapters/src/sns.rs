//! Text messages and notices on devices: Amazon SNS.

use crate::aws;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use domain::text::{DeviceToken, Phone};
use kernel::{Failure, FailureKind};
use ports::ShortMessage;
use serde_json::json;
use std::error::Error;

/// Text messages over SNS.
#[derive(Debug, Clone)]
pub struct SnsSmsSender {
    client: Client,
}

impl SnsSmsSender {
    /// Over `client`.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl ports::SmsSender for SnsSmsSender {
    async fn send(&self, to: &Phone, text: &str) -> Result<bool, Failure> {
        // Transactional: delivered before price is looked at, and not held back at night.
        let kind = MessageAttributeValue::builder().data_type("String").string_value("Transactional").build();
        let request = self.client.publish().phone_number(to.as_str()).message(text);
        let request = request.message_attributes("AWS.SNS.SMS.SMSType", kind.map_err(Failure::internal)?);
        let Err(error) = request.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(refusal) if is_told_of(refusal, "PhoneNumber") => Ok(false),
            _ => Err(failed("text messages", &error)),
        }
    }
}

/// Notices on devices, and the list of them, over an SNS platform application of Firebase Cloud Messaging, which serves Android and
/// hands over to Apple's service.
#[derive(Debug, Clone)]
pub struct SnsPushSender {
    client: Client,
    application: Option<String>,
}

impl SnsPushSender {
    /// Over the platform application of that ARN; without one, devices cannot be entered.
    pub fn new(client: Client, application: Option<String>) -> Self {
        Self { client, application }
    }
}

impl ports::PushSender for SnsPushSender {
    async fn send(&self, endpoint: &str, note: &ShortMessage, mark: &str) -> Result<bool, Failure> {
        let request = self.client.publish().target_arn(endpoint).message_structure("json").message(message(note, mark));
        let Err(error) = request.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(refusal) if is_gone(refusal) => Ok(false),
            _ => Err(failed("notices", &error)),
        }
    }
}

impl ports::PushEndpoints for SnsPushSender {
    async fn register(&self, token: &DeviceToken) -> Result<String, Failure> {
        let no_application =
            || Failure::new(FailureKind::Conflict, "push-not-configured", "This shop shows no notices on devices.");
        let application = self.application.as_deref().ok_or_else(no_application)?;
        let request = self.client.create_platform_endpoint().platform_application_arn(application);
        let endpoint = match request.token(token.as_str()).send().await {
            Ok(entered) => entered.endpoint_arn.ok_or_else(|| Failure::internal("SNS named no endpoint"))?,
            Err(error) => match error.as_service_error().filter(|refusal| refusal.is_invalid_parameter_exception()) {
                Some(refusal) => known_as(refusal.message().unwrap_or_default())
                    .ok_or_else(|| Failure::field("/token", "is not a token of the push service"))?,
                None => return Err(failed("notices", &error)),
            },
        };
        // A device that is known and was not reached for a while has been switched off; now its app is there again.
        let request = self.client.set_endpoint_attributes().endpoint_arn(&endpoint);
        let request = request.attributes("Enabled", "true").attributes("Token", token.as_str());
        request.send().await.map_err(|error| failed("notices", &error))?;
        Ok(endpoint)
    }
}

/// Whether the device was given up, struck off, or the app was taken off it. A device that was struck off is told as a parameter that
/// is wrong, and by its words alone.
fn is_gone(refusal: &PublishError) -> bool {
    refusal.is_endpoint_disabled_exception()
        || refusal.is_not_found_exception()
        || is_told_of(refusal, "No endpoint found")
}

/// Whether SNS refuses a parameter in these words.
fn is_told_of(refusal: &PublishError, words: &str) -> bool {
    refusal.is_invalid_parameter_exception() && refusal.message().is_some_and(|said| said.contains(words))
}

/// The endpoint that SNS says a token has already, with other attributes: it was switched off. There is no field for it.
fn known_as(said: &str) -> Option<String> {
    let (_, from) = said.split_once("Endpoint ")?;
    let (endpoint, _) = from.split_once(" already exists")?;
    endpoint.starts_with("arn:").then(|| endpoint.to_owned())
}

/// What SNS says of a refusal may repeat the number or the token, so only its code is told.
fn failed<E: ProvideErrorMetadata + Error + 'static>(part: &'static str, error: &SdkError<E>) -> Failure {
    match error {
        SdkError::ServiceError(answer) => aws::refused(part, answer.raw().status().as_u16(), answer.err().code(), None),
        _ => aws::failed(part, error),
    }
}

/// A notice in the form of each service. One with the same mark takes the place of the other on the device.
fn message(note: &ShortMessage, mark: &str) -> String {
    let firebase = json!({ "fcmV1Message": { "message": {
        "notification": { "title": note.title, "body": note.text },
        "android": { "notification": { "tag": mark } },
        "apns": { "headers": { "apns-collapse-id": mark } },
    }}});
    json!({ "default": note.text, "GCM": firebase.to_string() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{listener, sdk, serve};
    use ports::{PushEndpoints as _, PushSender as _, SmsSender as _};
    use serde_json::Value;

    #[test]
    fn a_device_that_was_switched_off_is_found_by_what_sns_says_of_it() {
        let arn = "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/shop/0192f0c1";
        let said = format!(
            "Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
        );
        assert_eq!(known_as(&said).as_deref(), Some(arn));
        for other in ["", "Invalid parameter: Token Reason: too long", "Endpoint x already exists", "Endpoint arn:aws"]
        {
            assert_eq!(known_as(other), None, "{other}");
        }
    }

    #[test]
    fn a_notice_has_title_text_and_mark_for_each_service() {
        let note = ShortMessage { title: "Your \"order\"".to_owned(), text: "It is here".to_owned() };
        let outer: Value = serde_json::from_str(&message(&note, "m-1")).unwrap();
        assert_eq!(outer["default"], "It is here");
        let inner: Value = serde_json::from_str(outer["GCM"].as_str().unwrap()).unwrap();
        let message = &inner["fcmV1Message"]["message"];
        assert_eq!(message["notification"], json!({ "title": "Your \"order\"", "body": "It is here" }));
        assert_eq!(message["android"]["notification"]["tag"], "m-1");
        assert_eq!(message["apns"]["headers"]["apns-collapse-id"], "m-1");
    }

    /// What SNS answers to a refusal.
    fn refusal(code: &str, message: &str) -> String {
        format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        )
    }

    #[tokio::test]
    async fn a_number_that_is_wrong_is_told_and_whatever_else_is_wrong_is_a_failure() {
        let to = Phone::parse("+491701234567").unwrap();
        let number = refusal("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +491701234567 is not valid");
        let other = refusal("InvalidParameter", "Invalid parameter: Message too long");
        let denied = refusal("AuthorizationError", "not authorized to publish to +491701234567");
        for (status, answer, refused) in [(400, &number, true), (400, &other, false), (403, &denied, false)] {
            let (listener, url) = listener().await;
            let texter = SnsSmsSender::new(Client::new(&sdk(&url)));
            let answers = [(status, answer.as_str())];
            let (_, sent) = tokio::join!(serve(listener, &answers), async { texter.send(&to, "x").await });
            match sent {
                Ok(took) => assert!(refused && !took, "{answer}"),
                Err(failure) => assert!(!refused && !failure.to_string().contains("+49170"), "{failure:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_device_that_is_switched_off_or_struck_off_is_gone_and_comes_back_when_its_app_does() {
        let note = ShortMessage { title: "x".to_owned(), text: "x".to_owned() };
        let off = refusal("EndpointDisabled", "Endpoint is disabled");
        let unknown =
            refusal("InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for the target arn");
        let token = refusal("InvalidParameter", "Invalid parameter: Message Reason: too long");
        for (answer, expected) in [(&off, Ok(false)), (&unknown, Ok(false)), (&token, Err(()))] {
            let (listener, url) = listener().await;
            let push = SnsPushSender::new(Client::new(&sdk(&url)), None);
            let answers = [(400, answer.as_str())];
            let (_, sent) = tokio::join!(serve(listener, &answers), async { push.send("arn:x", &note, "m").await });
            assert_eq!(sent.map_err(drop), expected, "{answer}");
        }
        let arn = "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/shop/0192f0c1";
        let known = refusal(
            "InvalidParameter",
            &format!(
                "Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
            ),
        );
        let done = "<SetEndpointAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"/>";
        let (listener, url) = listener().await;
        let push = SnsPushSender::new(
            Client::new(&sdk(&url)),
            Some("arn:aws:sns:eu-west-1:123456789012:app/GCM/shop".to_owned()),
        );
        let token = DeviceToken::parse("a-token").unwrap();
        let answers = [(400, known.as_str()), (200, done)];
        let (asked, entered) = tokio::join!(serve(listener, &answers), async { push.register(&token).await });
        assert_eq!(entered.as_deref(), Ok(arn));
        assert!(asked[1].contains("SetEndpointAttributes") && asked[1].contains("Enabled"), "{}", asked[1]);
    }
}
