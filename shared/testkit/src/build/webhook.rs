//! Endpoints of webhooks.

use domain::{
    id::{EndpointId, UserId},
    webhook::{self, CreateEndpoint, Endpoint, EventType, EventTypes, WebhookTargets, WebhookUrl},
};
use kernel::Timestamp;

/// An endpoint that subscribed to placed orders, with a secret that does not open.
pub fn endpoint(id: EndpointId, creator: UserId, at: Timestamp) -> Endpoint {
    endpoint_of(id, creator, at, &[catalog::ORDER_PLACED.name])
}

/// An endpoint that subscribed to these events.
pub fn endpoint_of(id: EndpointId, creator: UserId, at: Timestamp, events: &[&str]) -> Endpoint {
    let events: Vec<EventType> = events.iter().map(|name| EventType::parse(name).expect("a public event")).collect();
    let command = CreateEndpoint {
        url: WebhookUrl::parse("https://example.com/webhooks").expect("a URL"),
        event_types: EventTypes::try_from(events).expect("events"),
        description: None,
    };
    let targets = WebhookTargets::default();
    webhook::create(id, command, &targets, (creator, "sealed".to_owned()), at).expect("a public URL")
}
