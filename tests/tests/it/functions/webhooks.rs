//! Outbound webhooks: endpoints that staff register, events that are enqueued, and deliveries.

use super::{
    ORDER, USER, assert_all_samples_run, clock, consumers::deliver, http::assert_responses, sample, sample_time,
};
use adapters::{Wiring, config::Config};
use catalog::{
    Function, WEBHOOK_DELIVER, WEBHOOK_DELIVERY_LIST, WEBHOOK_DELIVERY_RETRY, WEBHOOK_ENDPOINT_CREATE,
    WEBHOOK_ENDPOINT_DELETE, WEBHOOK_ENDPOINT_GET, WEBHOOK_ENDPOINT_LIST, WEBHOOK_ENDPOINT_TEST,
    WEBHOOK_ENDPOINT_UPDATE, WEBHOOK_ENQUEUE, WEBHOOK_SECRET_ROTATE,
};
use domain::{
    DomainEvent,
    id::{DeliveryId, EndpointId},
    notification::Channel,
    webhook::{self, DeliveryStatus, DisabledReason, Endpoint, EndpointStatus, SendError, WebhookTargets},
};
use edge::{Clock, http::Call};
use kernel::{Timestamp, Uuid};
use ports::{Sealer as _, WebhookEndpoints as _, WebhookLog as _, WebhookQueue as _};
use serde_json::{Value, json};
use testkit::{Dependency, FaultPoint, Occurrence, Platform, build};

/// The endpoint of the samples.
const ENDPOINT: EndpointId = EndpointId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00e7));
/// The delivery of the samples.
const DELIVERY: DeliveryId = DeliveryId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00e8));
const NOBODYS: &str = r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#;
const ANONYMOUS: super::http::Expected = ("bad_no_principal", 401, "unauthenticated", "");
const CUSTOMER: &str = r#"set /requestContext/authorizer/lambda/role = "customer""#;

/// A platform with the endpoint of the samples, which subscribed to placed orders.
async fn platform() -> Platform {
    let platform = Platform::new();
    platform.webhooks().put(&endpoint(&platform).await);
    platform
}

async fn endpoint(platform: &Platform) -> Endpoint {
    let (_, secret) = platform.sealer().generate(&Endpoint::associated_data(ENDPOINT)).await.expect("sealed");
    Endpoint { secret, ..build::endpoint(ENDPOINT, USER, sample_time()) }
}

async fn stored(platform: &Platform) -> Endpoint {
    platform.webhooks().endpoint(ENDPOINT).await.expect("a response").expect("an endpoint")
}

/// Leaves a delivery for the sweep.
async fn enqueue(platform: &Platform) {
    let payload = webhook::payload(catalog::ORDER_PLACED.name, sample_time(), &json!({ "order_id": ORDER }));
    let (webhooks, id) = (platform.webhooks(), DeliveryId(Uuid::from_u128(1)));
    webhooks.enqueue(id, catalog::ORDER_PLACED.name, &payload, sample_time()).await.expect("a response");
}

/// Handles the event of the samples.
async fn handle_event(platform: &Platform) {
    let (webhooks, sealer, receiver) = (platform.webhooks(), platform.sealer(), platform.webhook_receiver());
    let handler = async |delivery| webhook_enqueue::handle(&webhooks, &sealer, &receiver, delivery).await;
    let consumer = edge::Consumer::new(WEBHOOK_ENQUEUE.name, catalog::MAX_RECEIVES);
    let event = sample(WEBHOOK_ENQUEUE, "ok");
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
}

/// Runs webhook-deliver `seconds` after the samples. Returns its summary.
async fn run_after(platform: &Platform, seconds: i64) -> Value {
    run_with(platform, seconds, "ok").await
}

async fn run_with(platform: &Platform, seconds: i64, case: &str) -> Value {
    let at = Timestamp::from_second(sample_time().as_second() + seconds).expect("a time");
    let (webhooks, sealer, receiver) = (platform.webhooks(), platform.sealer(), platform.webhook_receiver());
    let handler = async |tick| webhook_deliver::handle(&webhooks, &sealer, &receiver, tick).await;
    let event = sample(WEBHOOK_DELIVER, case);
    edge::schedule::tick(WEBHOOK_DELIVER.name, event, &Clock::at(at, 7), &handler).await.expect("a summary")
}

/// The body of a response to a sample.
async fn body<B, T>(
    function: &'static Function,
    case: &str,
    handler: impl AsyncFn(Call<B>) -> Result<edge::http::Reply<T>, kernel::Failure>,
) -> Value
where
    B: edge::http::Body,
    T: serde::Serialize,
{
    let route = Wiring::new(function, Config::from_vars([])).route().expect("a route");
    let response = edge::http::respond(&route, sample(function, case), &clock(), &handler).await;
    serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON")
}

#[tokio::test]
async fn endpoint_is_created_once_and_shows_its_secret_to_the_repeated_request_too() {
    let platform = Platform::new();
    let create = async |call| {
        let (webhooks, sealer) = (platform.webhooks(), platform.sealer());
        webhook_endpoint_create::handle(&webhooks, &sealer, &WebhookTargets::default(), call).await
    };
    let expected = [
        ("bad_private_address", 422, "validation", "/url"),
        ("bad_unknown_event", 422, "validation", "/event_types/0"),
        ("set /body/event_types = []", 422, "validation", "/event_types"),
        (r#"set /body/url = "http://example.com/""#, 422, "validation", "/url"),
        (r#"set /body/url = "https://user:secret@example.com/""#, 422, "validation", "/url"),
        (CUSTOMER, 403, "forbidden", ""),
        ("ok", 201, "", ""),
    ];
    assert_responses(WEBHOOK_ENDPOINT_CREATE, &expected, async |_, call| create(call).await).await;
    let first = body(WEBHOOK_ENDPOINT_CREATE, "ok", create).await;
    let again = body(WEBHOOK_ENDPOINT_CREATE, "ok", create).await;
    assert_eq!(first, again);
    let secret = first["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
    let without_key = body(WEBHOOK_ENDPOINT_CREATE, "remove /headers/idempotency-key", create).await;
    assert_ne!(without_key["secret"], secret);
}

#[tokio::test]
async fn endpoint_is_read_listed_and_deleted_by_staff() {
    let platform = platform().await;
    let webhooks = platform.webhooks();
    let shared = [("ok", 200, "", ""), ANONYMOUS, (CUSTOMER, 403, "forbidden", "")];
    let get = async |call| webhook_endpoint_get::handle(&webhooks, call).await;
    let cases = [&shared[..], &[(NOBODYS, 404, "not-found", "")]].concat();
    assert_responses(WEBHOOK_ENDPOINT_GET, &cases, async |_, call| get(call).await).await;
    assert_responses(WEBHOOK_ENDPOINT_LIST, &shared, async |_, call| {
        webhook_endpoint_list::handle(&webhooks, call).await
    })
    .await;
    let shown = body(WEBHOOK_ENDPOINT_GET, "ok", get).await;
    assert_eq!((shown["id"].as_str(), shown.get("secret")), (Some(ENDPOINT.to_string().as_str()), None));
    let stale = (r#"set /headers/if-match = "\"2\"""#, 412, "precondition-failed", "");
    let current = (r#"set /headers/if-match = "\"1\"""#, 204, "", "");
    let refused = [ANONYMOUS, (CUSTOMER, 403, "forbidden", ""), (NOBODYS, 404, "not-found", ""), stale];
    let expected = [&refused[..], &[current, ("ok", 404, "not-found", "")]].concat();
    assert_responses(WEBHOOK_ENDPOINT_DELETE, &expected, async |_, call| {
        webhook_endpoint_delete::handle(&webhooks, call).await
    })
    .await;
    assert_eq!(webhooks.endpoint(ENDPOINT).await, Ok(None));
}

#[tokio::test]
async fn endpoint_is_replaced_at_its_version_and_disabled() {
    let platform = platform().await;
    enqueue(&platform).await;
    let webhooks = platform.webhooks();
    let expected = [
        ("remove /headers/if-match", 428, "if-match-missing", ""),
        (r#"set /headers/if-match = "\"2\"""#, 412, "precondition-failed", ""),
        ("bad_unknown_field", 422, "validation", "/unknown"),
        (r#"set /body/url = "https://10.0.0.1/""#, 422, "validation", "/url"),
        (NOBODYS, 404, "not-found", ""),
        ("ok", 200, "", ""),
        ("ok", 412, "precondition-failed", ""),
        (r#"set /headers/if-match = "\"2\""; set /body/status = "disabled""#, 200, "", ""),
    ];
    assert_responses(WEBHOOK_ENDPOINT_UPDATE, &expected, async |_, call| {
        webhook_endpoint_update::handle(&webhooks, &WebhookTargets::default(), call).await
    })
    .await;
    let endpoint = stored(&platform).await;
    assert_eq!((endpoint.version, endpoint.disabled_reason), (3, Some(DisabledReason::Requested)));
    assert_eq!(webhooks.deliveries()[0].status, DeliveryStatus::Failed);
    assert_eq!(run_after(&platform, 0).await["delivered"], 0);
    let expected = [ANONYMOUS, ("ok", 409, "endpoint-disabled", "")];
    assert_responses(WEBHOOK_ENDPOINT_TEST, &expected, async |_, call| {
        webhook_endpoint_test::handle(&webhooks, &platform.sealer(), &platform.webhook_receiver(), call).await
    })
    .await;
    assert_responses(WEBHOOK_DELIVERY_RETRY, &expected, async |_, call| {
        webhook_delivery_retry::handle(&webhooks, &platform.sealer(), &platform.webhook_receiver(), call).await
    })
    .await;
}

#[tokio::test]
async fn endpoint_that_fails_has_another_tag_and_is_edited_with_either() {
    let platform = platform().await;
    let healthy = endpoint(&platform).await;
    platform.webhooks().put(&Endpoint { failing_since: Some(sample_time()), ..healthy });
    let route = Wiring::new(WEBHOOK_ENDPOINT_GET, Config::from_vars([])).route().expect("a route");
    let webhooks = platform.webhooks();
    let handler = async |call| webhook_endpoint_get::handle(&webhooks, call).await;
    let response = edge::http::respond(&route, sample(WEBHOOK_ENDPOINT_GET, "ok"), &clock(), &handler).await;
    assert_eq!(response["headers"]["etag"], r#""1-2026-11-21T08:48:00Z""#);
    let expected = [
        (r#"set /headers/if-match = "\"2-2026-11-21T08:48:00Z\"""#, 412, "precondition-failed", ""),
        ("bad_unknown_field", 422, "validation", "/unknown"),
        (r#"set /headers/if-match = "\"1-2026-11-21T08:48:00Z\"""#, 200, "", ""),
        (r#"set /headers/if-match = "\"2\"""#, 200, "", ""),
        ("ok", 412, "precondition-failed", ""),
    ];
    assert_responses(WEBHOOK_ENDPOINT_UPDATE, &expected, async |_, call| {
        webhook_endpoint_update::handle(&webhooks, &WebhookTargets::default(), call).await
    })
    .await;
}

#[tokio::test]
async fn rotated_secret_signs_with_the_one_before_for_a_day() {
    let platform = platform().await;
    enqueue(&platform).await;
    let rotate = async |call| webhook_secret_rotate::handle(&platform.webhooks(), &platform.sealer(), call).await;
    let expected = [
        ANONYMOUS,
        ("remove /headers/if-match", 428, "if-match-missing", ""),
        (NOBODYS, 404, "not-found", ""),
        ("ok", 200, "", ""),
        ("ok", 412, "precondition-failed", ""),
    ];
    assert_responses(WEBHOOK_SECRET_ROTATE, &expected, async |_, call| rotate(call).await).await;
    run_after(&platform, 0).await;
    let endpoint = stored(&platform).await;
    let data = Endpoint::associated_data(ENDPOINT);
    let (new, old) = (endpoint.secret, endpoint.previous_secret.expect("a secret").sealed);
    let mut secrets = Vec::new();
    for sealed in [new, old] {
        secrets.push(platform.sealer().open(&data, &sealed).await.expect("opened"));
    }
    assert_eq!(platform.webhook_receiver().received()[0].secrets, secrets);
}

#[tokio::test]
async fn event_is_enqueued_once_for_each_subscribed_endpoint_redacted() {
    let platform = platform().await;
    let other = EndpointId(Uuid::from_u128(7));
    let shipped = build::endpoint_of(other, USER, sample_time(), &[catalog::ORDER_SHIPPED.name]);
    platform.webhooks().put(&shipped);
    deliver(WEBHOOK_ENQUEUE, &["ok", "bad_mixed_batch"], &platform, async |delivery| {
        webhook_enqueue::handle(&platform.webhooks(), &platform.sealer(), &platform.webhook_receiver(), delivery).await
    })
    .await;
    let deliveries = platform.webhooks().deliveries();
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    let payload: Value = serde_json::from_str(&deliveries[0].payload).expect("JSON");
    assert_eq!((payload["type"].as_str(), payload["data"]["order_id"].clone()), (Some("OrderPlaced.v1"), json!(ORDER)));
    assert_eq!(payload["timestamp"], "2026-11-21T08:48:00Z");
    let text = &deliveries[0].payload;
    assert!(!text.contains("address") && !text.contains("line1") && !text.contains("pm_card"), "{text}");
}

#[tokio::test]
async fn due_delivery_is_sent_and_logged() {
    assert_all_samples_run(WEBHOOK_DELIVER, &["ok", "bad_not_a_schedule"]);
    let platform = platform().await;
    enqueue(&platform).await;
    assert_eq!(run_after(&platform, 0).await, json!({"delivered": 1, "failed": 0, "disabled": 0, "broken": 0}));
    assert_eq!(run_with(&platform, 600, "bad_not_a_schedule").await["delivered"], 0);
    let (received, deliveries) = (platform.webhook_receiver().received(), platform.webhooks().deliveries());
    assert_eq!(received.len(), 1);
    assert_eq!((&received[0].id, &received[0].body), (&deliveries[0].id.to_string(), &deliveries[0].payload));
    let expected = [("ok", 200, "", ""), ANONYMOUS, (NOBODYS, 404, "not-found", ""), (CUSTOMER, 403, "forbidden", "")];
    let list = async |call| webhook_delivery_list::handle(&platform.webhooks(), call).await;
    assert_responses(WEBHOOK_DELIVERY_LIST, &expected, async |_, call| list(call).await).await;
    let listed = &body(WEBHOOK_DELIVERY_LIST, "ok", list).await["items"][0];
    assert_eq!(
        (&listed["status"], &listed["response_status"], &listed["attempts"]),
        (&json!("delivered"), &json!(204), &json!(1))
    );
}

#[tokio::test]
async fn crash_after_sending_sends_again_when_the_lease_is_over() {
    let platform = platform().await;
    enqueue(&platform).await;
    let begun = platform.operation_count();
    // Claimed, sent, and not concluded.
    platform.faults().crash(begun + 3, FaultPoint::Before);
    assert!(platform.run(run_after(&platform, 0)).await.is_err());
    assert_eq!(
        (platform.webhook_receiver().received().len(), run_after(&platform, 60).await["delivered"].clone()),
        (1, json!(0))
    );
    assert_eq!(run_after(&platform, 120).await["delivered"], 1);
    let received = platform.webhook_receiver().received();
    assert_eq!((received.len(), &received[0]), (2, &received[1]));
}

#[tokio::test]
async fn failed_attempts_are_repeated_and_the_endpoint_is_disabled_after_days() {
    let platform = platform().await;
    platform.contacts().put(&build::user().id(USER).contact());
    enqueue(&platform).await;
    platform.faults().fail(Dependency::Webhooks, Occurrence::First(1), FaultPoint::Before);
    platform.webhook_receiver().respond_with(500);
    let (mut now, mut attempts) = (0, 0);
    while stored(&platform).await.status == EndpointStatus::Enabled {
        attempts += run_after(&platform, now).await["failed"].as_u64().expect("a count");
        let next = platform.webhooks().deliveries()[0].next_attempt_at;
        now = next.map_or(now, |next| next.as_second() - sample_time().as_second());
    }
    assert_eq!(attempts, u64::from(domain::webhook::MAX_ATTEMPTS));
    assert!((5 * 86_400..7 * 86_400).contains(&now), "{now}");
    assert_eq!(stored(&platform).await.disabled_reason, Some(DisabledReason::Failing));
    let published = platform.bus().published();
    let [notice] = published.as_slice() else { panic!("{published:?}") };
    let DomainEvent::NotificationRequested(notice) = &notice.event else { panic!("{notice:?}") };
    assert_eq!((notice.user_id, notice.channel), (USER, Channel::Email));
}

#[tokio::test]
async fn endpoint_that_is_gone_is_disabled_at_once_and_sent_nothing_more() {
    let platform = platform().await;
    enqueue(&platform).await;
    platform.webhook_receiver().respond_with(410);
    assert_eq!(run_after(&platform, 0).await["disabled"], 1);
    assert_eq!(stored(&platform).await.disabled_reason, Some(DisabledReason::Gone));
    let added = platform.webhooks().enqueue(DeliveryId(ORDER.0), "OrderPlaced.v1", "{}", sample_time()).await;
    assert_eq!(added, Ok(0));
    run_after(&platform, 86_400).await;
    assert_eq!(platform.webhook_receiver().received().len(), 1);
    assert_eq!(platform.bus().published(), [], "the creator has no contact");
}

#[tokio::test]
async fn delivery_is_tested_and_retried_by_hand() {
    let platform = platform().await;
    let webhooks = platform.webhooks();
    let known = webhook::delivery((ENDPOINT, DELIVERY), "OrderPlaced.v1", "{}".to_owned(), sample_time());
    webhooks.add_delivery(&known).await.expect("added");
    let expected = [("ok", 202, "", ""), ANONYMOUS, (NOBODYS, 404, "not-found", ""), (CUSTOMER, 403, "forbidden", "")];
    assert_responses(WEBHOOK_ENDPOINT_TEST, &expected, async |_, call| {
        webhook_endpoint_test::handle(&webhooks, &platform.sealer(), &platform.webhook_receiver(), call).await
    })
    .await;
    assert_eq!(run_after(&platform, 0).await["delivered"], 1, "the test was delivered at once");
    let bodies: Vec<_> = platform.webhook_receiver().received().into_iter().map(|one| one.body).collect();
    assert!(bodies.iter().any(|body| body.contains(r#""type":"webhook.test""#)), "{bodies:?}");
    let unknown = r#"set /pathParameters/delivery_id = "0192f0c1-0000-7000-8000-0000000000ff""#;
    let expected = [&expected[..], &[(unknown, 404, "not-found", "")]].concat();
    assert_responses(WEBHOOK_DELIVERY_RETRY, &expected, async |_, call| {
        webhook_delivery_retry::handle(&webhooks, &platform.sealer(), &platform.webhook_receiver(), call).await
    })
    .await;
    assert_eq!(
        (platform.webhook_receiver().received().len(), run_after(&platform, 0).await["delivered"].clone()),
        (3, json!(0))
    );
    let page = webhooks.webhook_deliveries(ENDPOINT, 10, None).await.expect("a page").expect("an endpoint");
    assert_eq!(page.items.len(), 2);
}

#[tokio::test]
async fn secret_that_does_not_open_is_a_failed_attempt_and_stops_no_other() {
    let platform = platform().await;
    let broken = EndpointId(Uuid::from_u128(7));
    platform.webhooks().put(&build::endpoint(broken, USER, sample_time()));
    enqueue(&platform).await;
    assert_eq!(run_after(&platform, 0).await, json!({"delivered": 1, "failed": 1, "disabled": 0, "broken": 0}));
    let open = platform.webhooks().deliveries().into_iter().filter(|one| one.status == DeliveryStatus::Pending);
    assert_eq!(
        open.map(|one| (one.endpoint_id, one.error)).collect::<Vec<_>>(),
        [(broken, Some(SendError::SecretUnreadable))]
    );
}

#[tokio::test]
async fn delivery_stays_due_while_the_keys_cannot_be_read() {
    let platform = platform().await;
    enqueue(&platform).await;
    platform.faults().take_down(Dependency::Keys);
    assert_eq!(run_after(&platform, 0).await, json!({"delivered": 0, "failed": 0, "disabled": 0, "broken": 1}));
    platform.faults().restore_all();
    assert_eq!(run_after(&platform, 120).await["delivered"], 1);
}

#[tokio::test]
async fn delivery_of_an_event_is_attempted_at_once() {
    let platform = platform().await;
    handle_event(&platform).await;
    handle_event(&platform).await;
    let (received, deliveries) = (platform.webhook_receiver().received(), platform.webhooks().deliveries());
    assert_eq!((received.len(), deliveries[0].status), (1, DeliveryStatus::Delivered));
    assert_eq!(run_after(&platform, 3_600).await["delivered"], 0);
}

#[tokio::test]
async fn endpoint_that_is_failing_is_left_to_the_sweep() {
    let platform = platform().await;
    platform.webhooks().put(&Endpoint { failing_since: Some(sample_time()), ..endpoint(&platform).await });
    handle_event(&platform).await;
    assert_eq!(platform.webhook_receiver().received(), []);
    assert_eq!(run_after(&platform, 0).await["delivered"], 1);
}

#[tokio::test]
async fn event_is_acknowledged_even_if_its_first_attempt_fails() {
    for dependency in [Dependency::Keys, Dependency::Webhooks] {
        let platform = platform().await;
        platform.faults().take_down(dependency);
        handle_event(&platform).await;
        assert!(platform.dead_letters().messages().is_empty() && platform.dead_letters().postponed().is_empty());
        platform.faults().restore_all();
        assert_eq!(run_after(&platform, 120).await["delivered"], 1, "{dependency:?}");
    }
}
