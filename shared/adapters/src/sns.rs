//! Text messages and notices on devices: Amazon SNS.

use crate::aws;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use domain::text::{DeviceToken, Phone};
use kernel::{Failure, Kind};
use ports::Note;
use serde_json::json;
use std::error::Error;

/// Text messages over SNS.
#[derive(Debug, Clone)]
pub struct SnsTexter {
    client: Client,
}

impl SnsTexter {
    /// Over `client`.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl ports::Texter for SnsTexter {
    async fn send(&self, to: &Phone, text: &str) -> Result<(), Failure> {
        // Transactional: delivered before price is looked at, and not held back at night.
        let kind = MessageAttributeValue::builder().data_type("String").string_value("Transactional").build();
        let request = self.client.publish().phone_number(to.as_str()).message(text);
        let request = request.message_attributes("AWS.SNS.SMS.SMSType", kind.map_err(Failure::internal)?);
        let Err(error) = request.send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(refusal) if refusal.is_invalid_parameter_exception() => {
                let detail = "The number does not take text messages.";
                Err(Failure::new(Kind::Invalid, "number-refused", detail).because("InvalidParameter"))
            }
            _ => Err(failed("text messages", &error)),
        }
    }
}

/// Notices on devices, and the list of them, over an SNS platform application of Firebase Cloud Messaging, which serves Android and
/// hands over to Apple's service.
#[derive(Debug, Clone)]
pub struct SnsPush {
    client: Client,
    application: Option<String>,
}

impl SnsPush {
    /// Over the platform application of that ARN; without one, devices cannot be entered.
    pub fn new(client: Client, application: Option<String>) -> Self {
        Self { client, application }
    }
}

impl ports::Pusher for SnsPush {
    async fn send(&self, endpoint: &str, note: &Note, mark: &str) -> Result<bool, Failure> {
        let request = self.client.publish().target_arn(endpoint).message_structure("json").message(message(note, mark));
        let Err(error) = request.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(refusal) if is_gone(refusal) => Ok(false),
            _ => Err(failed("notices", &error)),
        }
    }
}

impl ports::DeviceDirectory for SnsPush {
    async fn enter(&self, token: &DeviceToken) -> Result<String, Failure> {
        let no_application = || Failure::unavailable("notices", "no platform application is configured");
        let application = self.application.as_deref().ok_or_else(no_application)?;
        let request = self.client.create_platform_endpoint().platform_application_arn(application);
        let entered = request.token(token.as_str()).send().await.map_err(|error| match error.as_service_error() {
            Some(refusal) if refusal.is_invalid_parameter_exception() => {
                Failure::field("/token", "is not a token of the push service")
            }
            _ => failed("notices", &error),
        })?;
        let endpoint = entered.endpoint_arn.ok_or_else(|| Failure::internal("SNS named no endpoint"))?;
        // A device that is known and was not reached for a while has been switched off; now its app is there again.
        let request = self.client.set_endpoint_attributes().endpoint_arn(&endpoint);
        let request = request.attributes("Enabled", "true").attributes("Token", token.as_str());
        request.send().await.map_err(|error| failed("notices", &error))?;
        Ok(endpoint)
    }

    async fn strike(&self, endpoint: &str) -> Result<(), Failure> {
        let struck = self.client.delete_endpoint().endpoint_arn(endpoint).send().await;
        struck.map(drop).map_err(|error| failed("notices", &error))
    }
}

/// Whether the device was given up, struck off, or the app was taken off it. A device that was struck off is told as a parameter that
/// is wrong, and by its words alone.
fn is_gone(refusal: &PublishError) -> bool {
    refusal.is_endpoint_disabled_exception()
        || refusal.is_not_found_exception()
        || refusal.is_invalid_parameter_exception()
            && refusal.message().is_some_and(|words| words.contains("No endpoint found"))
}

/// What SNS says of a refusal may repeat the number or the token, so only its code is told.
fn failed<E: ProvideErrorMetadata + Error + 'static>(part: &'static str, error: &SdkError<E>) -> Failure {
    match error {
        SdkError::ServiceError(answer) => aws::refused(part, answer.raw().status().as_u16(), answer.err().code(), None),
        _ => aws::failed(part, error),
    }
}

/// A notice in the form of each service. One with the same mark takes the place of the other on the device.
fn message(note: &Note, mark: &str) -> String {
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
    use serde_json::Value;

    #[test]
    fn a_notice_has_title_text_and_mark_for_each_service() {
        let note = Note { title: "Your \"order\"".to_owned(), text: "It is here".to_owned() };
        let outer: Value = serde_json::from_str(&message(&note, "m-1")).unwrap();
        assert_eq!(outer["default"], "It is here");
        let inner: Value = serde_json::from_str(outer["GCM"].as_str().unwrap()).unwrap();
        let message = &inner["fcmV1Message"]["message"];
        assert_eq!(message["notification"], json!({ "title": "Your \"order\"", "body": "It is here" }));
        assert_eq!(message["android"]["notification"]["tag"], "m-1");
        assert_eq!(message["apns"]["headers"]["apns-collapse-id"], "m-1");
    }
}
