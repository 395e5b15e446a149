//! Services that are down, and messages that cannot be parsed.

use super::stack::{
    ApiClient, control_service, eventually, exclusive_stack, id, order_request, shared_stack, unique, var,
};
use aws_sdk_sqs::{
    config::{BehaviorVersion, Credentials, Region},
    types::MessageSystemAttributeName,
};
use serde_json::json;

#[tokio::test]
async fn database_outage_returns_503_and_a_retry_places_one_order() {
    let (_stack, api) = (exclusive_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let (body, key) = (order_request(&lantern, 1, "pm_card_visa"), unique("key"));
    let request = async || api.post("/api/v1/orders").token(&customer.token).key(&key).json(&body).send().await;
    control_service("stop", "postgres").await;
    let (refused, ready) = (request().await, api.get("/ready").send().await);
    control_service("start", "postgres").await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(503, "unavailable");
    assert_eq!(ready.status.as_u16(), 503);
    let placed = eventually("the database responds again", async || {
        let response = request().await;
        (response.status == 201).then(|| response.json())
    })
    .await;
    assert_eq!(api.wait_until_decided(&customer, &placed).await["status"], "processing");
    let own = api.get("/api/v1/orders").token(&customer.token).send().await.expect(200);
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn malformed_message_is_dead_lettered_without_blocking_the_queue() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let sqs = sqs();
    let queue = queue_url(&sqs, catalog::STOCK_RESERVE.name).await;
    let poison = format!("this is not JSON: {}", unique("poison"));
    sqs.send_message().queue_url(&queue).message_body(&poison).send().await.expect("sent");
    let (customer, lantern) = (api.customer().await, api.product(500, 1).await);
    let placed = api.place(&customer, &lantern, 1, "pm_card_visa").await;
    assert_eq!(api.wait_until_decided(&customer, &placed).await["status"], "processing", "order {}", id(&placed));
    let dead = format!("{queue}-dlq");
    let dead_letter = eventually("the malformed message is in the dead-letter queue", async || {
        let received = sqs
            .receive_message()
            .queue_url(&dead)
            .max_number_of_messages(10)
            .visibility_timeout(1)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .ok()?;
        received.messages().iter().find(|message| message.body() == Some(&poison)).cloned()
    })
    .await;
    let attributes = json!(
        dead_letter
            .message_attributes()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())))
            .collect::<std::collections::BTreeMap<_, _>>()
    );
    assert_eq!(attributes["function"], catalog::STOCK_RESERVE.name, "{attributes}");
    assert!(attributes["reason"].is_string(), "{attributes}");
}

pub(super) fn sqs() -> aws_sdk_sqs::Client {
    let keys = Credentials::new(var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"), None, None, "stack");
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(var("AWS_REGION")))
        .endpoint_url(var("AWS_ENDPOINT_URL"))
        .credentials_provider(keys)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

/// The queue that triggers a function.
pub(super) async fn queue_url(sqs: &aws_sdk_sqs::Client, function: &str) -> String {
    let queues = sqs.list_queues().send().await.expect("a list");
    let mut urls = queues.queue_urls().iter();
    urls.find(|url| url.ends_with(&format!("-{function}"))).cloned().unwrap_or_else(|| panic!("no queue of {function}"))
}
