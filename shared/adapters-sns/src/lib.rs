//! SMS and push notifications over Amazon SNS.

use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
use aws_sdk_sns::types::MessageAttributeValue;
use catalog::Uses;
use domain::text::{DeviceToken, Phone};
use futures_util::{FutureExt as _, future::BoxFuture};
use kernel::{Failure, FailureKind};
use ports::ShortMessage;
use serde_json::json;
use std::error::Error;

pub fn sms_sender(wiring: &Wiring) -> Result<SnsSmsSender> {
    wiring.require("SMS", |uses| matches!(uses, Uses::Sms))?;
    Ok(SnsSmsSender::new(Client::new(wiring.sdk()?)))
}

pub fn push_sender(wiring: &Wiring) -> Result<SnsPushSender> {
    wiring.require("push notifications", |uses| matches!(uses, Uses::Push))?;
    Ok(SnsPushSender::new(Client::new(wiring.sdk()?), None))
}

pub fn push_endpoints(wiring: &Wiring) -> Result<SnsPushSender> {
    wiring.require("push endpoints", |uses| matches!(uses, Uses::PushEndpoints(_)))?;
    Ok(SnsPushSender::new(Client::new(wiring.sdk()?), wiring.config().push_application()))
}

#[derive(Debug, Clone)]
pub struct SnsSmsSender {
    client: Client,
}

impl SnsSmsSender {
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

/// Boxed, so that the client is compiled here, and not in each function's crate.
fn publish(
    request: PublishFluentBuilder,
) -> BoxFuture<'static, std::result::Result<PublishOutput, SdkError<PublishError>>> {
    request.send().boxed()
}

impl ports::SmsSender for SnsSmsSender {
    async fn send(&self, to: &Phone, text: &str) -> Result<bool, Failure> {
        // Transactional messages are optimized for reliable delivery instead of cost, and are sent outside of business hours too.
        let kind = MessageAttributeValue::builder().data_type("String").string_value("Transactional").build();
        let request = self.client.publish().phone_number(to.as_str()).message(text);
        let request = request.message_attributes("AWS.SNS.SMS.SMSType", kind.map_err(Failure::internal)?);
        let Err(error) = publish(request).await else { return Ok(true) };
        match error.as_service_error() {
            Some(rejection) if is_invalid_parameter(rejection, "PhoneNumber") => Ok(false),
            _ => Err(failure("SMS", &error)),
        }
    }
}

/// Push notifications, and the registration of devices, over an SNS platform application for Firebase Cloud Messaging, which serves
/// Android and forwards to Apple's service.
#[derive(Debug, Clone)]
pub struct SnsPushSender {
    client: Client,
    application: Option<String>,
}

impl SnsPushSender {
    /// `application` is the ARN of the platform application; without it, no device can be registered.
    pub fn new(client: Client, application: Option<String>) -> Self {
        Self { client, application }
    }
}

impl ports::PushSender for SnsPushSender {
    async fn send(&self, endpoint: &str, notification: &ShortMessage, collapse_key: &str) -> Result<bool, Failure> {
        let request = self.client.publish().target_arn(endpoint).message_structure("json");
        let request = request.message(payload(notification, collapse_key));
        let Err(error) = publish(request).await else { return Ok(true) };
        match error.as_service_error() {
            Some(rejection) if is_unregistered(rejection) => Ok(false),
            _ => Err(failure("push notifications", &error)),
        }
    }
}

impl ports::PushEndpoints for SnsPushSender {
    async fn register(&self, token: &DeviceToken) -> Result<String, Failure> {
        let no_application = || {
            Failure::new(
                FailureKind::Conflict,
                "push-not-configured",
                "Push notifications are not configured (PUSH_APPLICATION_ARN).",
            )
        };
        let application = self.application.as_deref().ok_or_else(no_application)?;
        let request = self.client.create_platform_endpoint().platform_application_arn(application);
        let endpoint = match request.token(token.as_str()).send().await {
            Ok(created) => created.endpoint_arn.ok_or_else(|| Failure::internal("SNS returned no endpoint ARN"))?,
            Err(error) => match error.as_service_error().filter(|rejection| rejection.is_invalid_parameter_exception())
            {
                Some(rejection) => existing_endpoint(rejection.message().unwrap_or_default())
                    .ok_or_else(|| Failure::field("/token", "is not a valid token of the push service"))?,
                None => return Err(failure("push notifications", &error)),
            },
        };
        // SNS disables the endpoint of a device that it cannot reach. A registration enables it again.
        let request = self.client.set_endpoint_attributes().endpoint_arn(&endpoint);
        let request = request.attributes("Enabled", "true").attributes("Token", token.as_str());
        request.send().await.map_err(|error| failure("push notifications", &error))?;
        Ok(endpoint)
    }
}

/// Whether the endpoint is disabled or deleted. SNS reports a deleted one as an invalid parameter, which only the message distinguishes.
fn is_unregistered(rejection: &PublishError) -> bool {
    rejection.is_endpoint_disabled_exception()
        || rejection.is_not_found_exception()
        || is_invalid_parameter(rejection, "No endpoint found")
}

fn is_invalid_parameter(rejection: &PublishError, words: &str) -> bool {
    rejection.is_invalid_parameter_exception() && rejection.message().is_some_and(|message| message.contains(words))
}

/// The endpoint in the message of an error that says that the token has one already, with other attributes (it was disabled). No field
/// of the response carries it.
fn existing_endpoint(message: &str) -> Option<String> {
    let (_, from) = message.split_once("Endpoint ")?;
    let (endpoint, _) = from.split_once(" already exists")?;
    endpoint.starts_with("arn:").then(|| endpoint.to_owned())
}

/// Classifies an error without its message, which may quote the phone number or the token.
fn failure<E: ProvideErrorMetadata + Error + 'static>(dependency: &'static str, error: &SdkError<E>) -> Failure {
    match error {
        SdkError::ServiceError(response) => {
            aws::service_failure(dependency, response.raw().status().as_u16(), response.err().code(), None)
        }
        _ => aws::to_failure(dependency, error),
    }
}

/// The message in the format of each push service. A later one with the same `collapse_key` replaces it on the device.
fn payload(notification: &ShortMessage, collapse_key: &str) -> String {
    let firebase = json!({ "fcmV1Message": { "message": {
        "notification": { "title": notification.title, "body": notification.text },
        "android": { "notification": { "tag": collapse_key } },
        "apns": { "headers": { "apns-collapse-id": collapse_key } },
    }}});
    json!({ "default": notification.text, "GCM": firebase.to_string() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters_testkit::server::{listener, sdk, serve};
    use ports::{PushEndpoints as _, PushSender as _, SmsSender as _};
    use serde_json::Value;

    #[test]
    fn existing_endpoint_is_read_from_the_error_message() {
        let arn = "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/quayside/0192f0c1";
        let said = format!(
            "Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
        );
        assert_eq!(existing_endpoint(&said).as_deref(), Some(arn));
        for other in ["", "Invalid parameter: Token Reason: too long", "Endpoint x already exists", "Endpoint arn:aws"]
        {
            assert_eq!(existing_endpoint(other), None, "{other}");
        }
    }

    #[test]
    fn payload_has_title_text_and_collapse_key_for_each_service() {
        let note = ShortMessage { title: "Your \"order\"".to_owned(), text: "It is here".to_owned() };
        let outer: Value = serde_json::from_str(&payload(&note, "m-1")).unwrap();
        assert_eq!(outer["default"], "It is here");
        let inner: Value = serde_json::from_str(outer["GCM"].as_str().unwrap()).unwrap();
        let message = &inner["fcmV1Message"]["message"];
        assert_eq!(message["notification"], json!({ "title": "Your \"order\"", "body": "It is here" }));
        assert_eq!(message["android"]["notification"]["tag"], "m-1");
        assert_eq!(message["apns"]["headers"]["apns-collapse-id"], "m-1");
    }

    /// An error response of SNS.
    fn rejection(code: &str, message: &str) -> String {
        format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        )
    }

    #[tokio::test]
    async fn invalid_number_is_not_deliverable_and_other_errors_are_failures() {
        let to = Phone::parse("+491701234567").unwrap();
        let number = rejection("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +491701234567 is not valid");
        let other = rejection("InvalidParameter", "Invalid parameter: Message too long");
        let denied = rejection("AuthorizationError", "not authorized to publish to +491701234567");
        for (status, response, is_invalid) in [(400, &number, true), (400, &other, false), (403, &denied, false)] {
            let (listener, url) = listener().await;
            let sender = SnsSmsSender::new(Client::new(&sdk(&url)));
            let responses = [(status, response.as_str())];
            let (_, sent) = tokio::join!(serve(listener, &responses), async { sender.send(&to, "x").await });
            match sent {
                Ok(is_deliverable) => assert!(is_invalid && !is_deliverable, "{response}"),
                Err(failure) => assert!(!is_invalid && !failure.to_string().contains("+49170"), "{failure:?}"),
            }
        }
    }

    #[tokio::test]
    async fn disabled_or_deleted_device_is_unregistered_until_its_app_registers_again() {
        let note = ShortMessage { title: "x".to_owned(), text: "x".to_owned() };
        let off = rejection("EndpointDisabled", "Endpoint is disabled");
        let unknown =
            rejection("InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for the target arn");
        let token = rejection("InvalidParameter", "Invalid parameter: Message Reason: too long");
        for (response, expected) in [(&off, Ok(false)), (&unknown, Ok(false)), (&token, Err(()))] {
            let (listener, url) = listener().await;
            let push = SnsPushSender::new(Client::new(&sdk(&url)), None);
            let responses = [(400, response.as_str())];
            let (_, sent) = tokio::join!(serve(listener, &responses), async { push.send("arn:x", &note, "m").await });
            assert_eq!(sent.map_err(drop), expected, "{response}");
        }
        let arn = "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/quayside/0192f0c1";
        let known = rejection(
            "InvalidParameter",
            &format!(
                "Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
            ),
        );
        let done = "<SetEndpointAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"/>";
        let (listener, url) = listener().await;
        let push = SnsPushSender::new(
            Client::new(&sdk(&url)),
            Some("arn:aws:sns:eu-west-1:123456789012:app/GCM/quayside".to_owned()),
        );
        let token = DeviceToken::parse("a-token").unwrap();
        let responses = [(400, known.as_str()), (200, done)];
        let (requests, registered) = tokio::join!(serve(listener, &responses), async { push.register(&token).await });
        assert_eq!(registered.as_deref(), Ok(arn));
        assert!(requests[1].contains("SetEndpointAttributes") && requests[1].contains("Enabled"), "{}", requests[1]);
    }
}
