//! The event source mappings of consumers on Lambda, for operators.

use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_lambda::Client;
use catalog::Uses;
use domain::consumer::{self, DesiredState, Mapping, MappingState};
use futures_util::FutureExt as _;
use kernel::Failure;

/// Most mappings that Lambda returns in a response.
pub const MAX_PAGE: i32 = 100;

/// The event source mappings of all consumers.
pub fn consumer_mappings(wiring: &Wiring) -> Result<LambdaMappings> {
    wiring.require("event source mappings", |uses| matches!(uses, Uses::EventSourceMappings(_)))?;
    Ok(LambdaMappings::new(Client::new(wiring.sdk()?), wiring.config().functions_arn()?, MAX_PAGE))
}

/// The event source mappings of a deployment, whose functions have ARNs with a common beginning.
#[derive(Debug, Clone)]
pub struct LambdaMappings {
    client: Client,
    /// What the ARN of every function begins with; its name follows.
    functions_arn: String,
    page: i32,
}

impl LambdaMappings {
    /// Reads `page` mappings with a request: 1 to [`MAX_PAGE`].
    pub const fn new(client: Client, functions_arn: String, page: i32) -> Self {
        Self { client, functions_arn, page }
    }

    /// The consumer of a mapping; `None` if that is of another deployment or application. A mapping may name a version or an alias.
    fn consumer(&self, function_arn: Option<&str>) -> Option<&'static str> {
        let name = function_arn?.strip_prefix(&self.functions_arn)?.split(':').next()?;
        catalog::find(name).map(|function| function.name)
    }
}

impl ports::ConsumerMappings for LambdaMappings {
    /// Asks for all mappings of the account: a list by function would be a request for each, which Lambda allows fifteen of in a second.
    /// Boxed, so that the client is compiled here, and not in each function's crate.
    fn list(&self) -> impl Future<Output = Result<Vec<Mapping>, Failure>> {
        async move {
            let (mut found, mut marker) = (Vec::new(), None);
            loop {
                let request = self.client.list_event_source_mappings().max_items(self.page).set_marker(marker);
                let response =
                    request.send().await.map_err(|error| aws::to_failure("event source mappings", &error))?;
                for one in response.event_source_mappings.unwrap_or_default() {
                    let Some(consumer) = self.consumer(one.function_arn.as_deref()) else { continue };
                    let id = one.uuid.ok_or_else(|| Failure::internal("Lambda returned a mapping without an id"))?;
                    found.push(Mapping { id, consumer, state: state(one.state.as_deref()) });
                }
                marker = response.next_marker.filter(|marker| !marker.is_empty());
                if marker.is_none() {
                    return Ok(found);
                }
            }
        }
        .boxed()
    }
}

impl ports::ConsumerControl for LambdaMappings {
    async fn set_state(&self, mapping: &Mapping, wanted: DesiredState) -> Result<Mapping, Failure> {
        let request = self.client.update_event_source_mapping().uuid(&mapping.id);
        match request.enabled(wanted == DesiredState::Running).send().await {
            Ok(updated) => Ok(Mapping { state: state(updated.state.as_deref()), ..mapping.clone() }),
            Err(error) => Err(match error.as_service_error() {
                Some(cause) if cause.is_resource_in_use_exception() || cause.is_resource_conflict_exception() => {
                    consumer::changing(mapping.consumer)
                }
                Some(cause) if cause.is_resource_not_found_exception() => Failure::not_found("event source mapping"),
                _ => aws::to_failure("event source mapping", &error),
            }),
        }
    }
}

/// A state that is not one of these is on its way to one.
fn state(text: Option<&str>) -> MappingState {
    match text {
        Some("Enabled") => MappingState::Enabled,
        Some("Enabling") => MappingState::Enabling,
        Some("Disabled") => MappingState::Disabled,
        Some("Disabling") => MappingState::Disabling,
        _ => MappingState::Busy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters_testkit::server::{listener, sdk, serve};
    use ports::{ConsumerControl as _, ConsumerMappings as _};
    use serde_json::json;

    const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:quayside-prod-";

    fn mapping() -> Mapping {
        Mapping { id: "m-1".to_owned(), consumer: catalog::STOCK_RESERVE.name, state: MappingState::Enabled }
    }

    fn lambda(url: &str) -> LambdaMappings {
        LambdaMappings::new(Client::new(&sdk(url)), ARN.to_owned(), MAX_PAGE)
    }

    #[tokio::test]
    async fn mappings_of_other_applications_and_deployments_are_left_out() {
        let row =
            |id: &str, function: &str, state: &str| json!({ "UUID": id, "FunctionArn": function, "State": state });
        let other = ARN.replace("-prod-", "-dev-");
        let first = json!({ "NextMarker": "more", "EventSourceMappings": [
            row("m-1", &format!("{ARN}stock-reserve:live"), "Enabled"),
            row("m-2", &format!("{other}stock-reserve"), "Enabled"),
        ] });
        let second = json!({ "NextMarker": "", "EventSourceMappings": [
            row("m-3", &format!("{ARN}event-archive"), "Disabling"),
            row("m-4", &format!("{ARN}no-such"), "Enabled"),
        ] });
        let (listener, url) = listener().await;
        let responses = [(200, first.to_string()), (200, second.to_string())];
        let responses: Vec<_> = responses.iter().map(|(status, body)| (*status, body.as_str())).collect();
        let port = lambda(&url);
        let (requests, found) = tokio::join!(serve(listener, &responses), port.list());
        let archive =
            Mapping { id: "m-3".to_owned(), consumer: catalog::EVENT_ARCHIVE.name, state: MappingState::Disabling };
        assert_eq!(found, Ok(vec![mapping(), archive]));
        assert!(requests[1].contains("Marker=more"), "{}", requests[1]);
    }

    #[tokio::test]
    async fn mapping_that_changes_is_a_conflict_and_one_that_is_gone_is_not_found() {
        for (status, code, expected) in [
            (400, "ResourceInUseException", "consumer-changing"),
            (409, "ResourceConflictException", "consumer-changing"),
            (404, "ResourceNotFoundException", "not-found"),
            (403, "AccessDeniedException", "internal"),
        ] {
            let (listener, url) = listener().await;
            let body = json!({ "__type": code, "Message": "no" }).to_string();
            let (port, mapping) = (lambda(&url), mapping());
            let responses = [(status, body.as_str())];
            let switch = port.set_state(&mapping, DesiredState::Paused);
            let (_, failed) = tokio::join!(serve(listener, &responses), switch);
            assert_eq!(failed.expect_err("refused").code, expected, "{code}");
        }
    }

    #[tokio::test]
    async fn mapping_is_switched_and_returned_as_lambda_says() {
        let (listener, url) = listener().await;
        let (port, mapping) = (lambda(&url), mapping());
        let responses = [(202, r#"{"UUID": "m-1", "State": "Disabling"}"#)];
        let (requests, switched) =
            tokio::join!(serve(listener, &responses), port.set_state(&mapping, DesiredState::Paused));
        assert_eq!(switched.map(|one| one.state), Ok(MappingState::Disabling));
        assert!(requests[0].contains("/event-source-mappings/m-1") && requests[0].ends_with(r#"{"Enabled":false}"#));
    }
}
