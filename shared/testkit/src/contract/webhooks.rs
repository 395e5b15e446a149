//! Contract of [`WebhookEndpoints`], [`WebhookLog`] and [`WebhookQueue`].

use super::{Fixture, an_event, fresh, kind_and_code, later, now};
use crate::build::{a_reply, endpoint_of};
use domain::{
    Event,
    event::NotificationSent,
    id::{DeliveryId, EndpointId, UserId},
    notification::{Channel, Template},
    webhook::{self, DeliveryStatus, DisabledReason, Endpoint, EndpointStatus, PreviousSecret, SendError},
};
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome, Timestamp};
use ports::{DueDelivery, LeaseLimits, WebhookEndpoints, WebhookLog, WebhookQueue};

/// Generates one test per rule. The expression is a future of a `Fixture<impl WebhookEndpoints + WebhookLog + WebhookQueue>`; each rule needs
/// a store of its own.
#[macro_export]
macro_rules! contract_webhooks {
    ($fixture:expr) => {
        $crate::each_rule! { webhooks, $fixture;
            endpoint_is_stored_once_for_a_key
            endpoints_are_listed_newest_first_and_in_pages
            endpoint_is_replaced_from_the_version_before_only
            event_is_enqueued_once_for_each_enabled_endpoint_that_subscribed
            leased_delivery_is_due_again_after_its_lease
            concurrent_leases_share_what_is_due
            lease_takes_some_of_each_endpoint
            first_attempts_are_leased_once_and_not_of_endpoints_that_fail
            few_first_attempts_are_under_way_at_once
            one_delivery_is_leased_whatever_else_is_under_way
            concluded_attempt_is_stored_and_an_outdated_one_is_not
            disabled_endpoint_is_sent_nothing
            deliveries_are_listed_newest_first_and_retried
            deleted_endpoint_takes_its_deliveries_with_it
        }
    };
}

/// What a rule needs of the stores.
pub trait Stores: WebhookEndpoints + WebhookLog + WebhookQueue {}
impl<S: WebhookEndpoints + WebhookLog + WebhookQueue> Stores for S {}

pub(super) const PLACED: &str = catalog::ORDER_PLACED.name;
const SHIPPED: &str = catalog::ORDER_SHIPPED.name;
const ALL: LeaseLimits = LeaseLimits { total: 100, per_endpoint: 100 };

pub(super) async fn created(store: &impl Stores, seconds: i64, events: &[&str]) -> Endpoint {
    let endpoint = endpoint_of(EndpointId(fresh()), UserId(fresh()), later(seconds), events);
    let outcome = store.create_endpoint(&endpoint, None, &a_reply("{}")).await;
    assert_eq!(outcome, Ok(IdempotencyOutcome::Committed));
    endpoint
}

pub(super) async fn stored(store: &impl Stores, id: EndpointId) -> Endpoint {
    store.endpoint(id).await.expect("the store responds").expect("an endpoint")
}

pub(super) async fn enqueued(store: &impl Stores, at: Timestamp) -> DeliveryId {
    let id = DeliveryId(fresh());
    assert_eq!(store.enqueue(id, PLACED, "{}", at).await, Ok(1));
    id
}

pub(super) async fn lease_all(store: &impl Stores, at: Timestamp) -> Vec<DueDelivery> {
    let lease_until = Timestamp::from_second(at.as_second() + 120).expect("a time");
    store.lease_due(at, lease_until, ALL).await.expect("the store responds")
}

pub(super) async fn only_leased(store: &impl Stores, at: Timestamp) -> DueDelivery {
    let mut due = lease_all(store, at).await;
    assert_eq!(due.len(), 1, "{due:?}");
    due.remove(0)
}

pub(super) fn notice() -> Event {
    an_event(NotificationSent {
        order_id: None,
        user_id: UserId(fresh()),
        channel: Channel::Email,
        template: Template::Message,
    })
}

pub(super) async fn conclude(
    store: &impl Stores,
    due: &DueDelivery,
    result: Result<u16, SendError>,
    at: Timestamp,
) -> bool {
    let result = webhook::conclude(due.delivery.attempts, due.endpoint.failing_since, result, 0, at).expect("a result");
    let notice = result.disable.map(|_| notice());
    store.conclude_attempt(due, &result, notice.as_ref(), at).await.expect("the store responds")
}

pub async fn endpoint_is_stored_once_for_a_key(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let key = IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() };
    let previous_secret = Some(PreviousSecret { sealed: "old".to_owned(), expires_at: later(60) });
    let created = endpoint_of(EndpointId(fresh()), UserId(fresh()), now(), &[PLACED, SHIPPED]);
    let endpoint = Endpoint { previous_secret, ..created };
    let (first, other) = (a_reply("the first"), endpoint_of(EndpointId(fresh()), UserId(fresh()), now(), &[PLACED]));
    let outcome = store.create_endpoint(&endpoint, Some(&key), &first).await;
    assert_eq!(outcome, Ok(IdempotencyOutcome::Committed));
    assert_eq!(stored(store, endpoint.id).await, endpoint);
    let again = store.create_endpoint(&other, Some(&key), &a_reply("another")).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(first)));
    assert_eq!(store.endpoint(other.id).await, Ok(None));
    let reused = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    let refused = store.create_endpoint(&other, Some(&reused), &a_reply("{}")).await;
    assert_eq!(kind_and_code(refused), (FailureKind::Invalid, "idempotency-key-reused"));
}

pub async fn endpoints_are_listed_newest_first_and_in_pages(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    assert_eq!(store.endpoints(10, None).await, Ok(ports::Page { items: vec![], next: None }));
    let mut all = Vec::new();
    for seconds in 0..3 {
        all.push(created(store, seconds, &[PLACED]).await);
    }
    let first = store.endpoints(2, None).await.expect("a page");
    assert_eq!(first.items, [all[2].clone(), all[1].clone()]);
    let second = store.endpoints(2, Some(&first.next.expect("a second page"))).await.expect("a page");
    assert_eq!((second.items, second.next), (vec![all[0].clone()], None));
    assert_eq!(kind_and_code(store.endpoints(2, Some("nonsense")).await), (FailureKind::Invalid, "validation"));
}

pub async fn endpoint_is_replaced_from_the_version_before_only(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    let next = Endpoint { secret: "new".to_owned(), updated_at: later(1), version: 2, ..endpoint.clone() };
    let outcomes = join_all(fixture.concurrent(3).map(|store| store.replace_endpoint(&next))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(true)).count(), 1, "{outcomes:?}");
    assert_eq!(stored(store, endpoint.id).await, next);
    let skipped = Endpoint { version: 4, ..endpoint.clone() };
    let unknown = Endpoint { id: EndpointId(fresh()), version: 3, ..endpoint };
    for wrong in [&next, &skipped, &unknown] {
        assert_eq!(store.replace_endpoint(wrong).await, Ok(false));
    }
}

pub async fn event_is_enqueued_once_for_each_enabled_endpoint_that_subscribed(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let first = created(store, 0, &[PLACED]).await;
    let second = created(store, 0, &[SHIPPED, PLACED]).await;
    let other = created(store, 0, &[SHIPPED]).await;
    let disabled = created(store, 0, &[PLACED]).await;
    let disable = Endpoint {
        status: EndpointStatus::Disabled,
        disabled_reason: Some(DisabledReason::Requested),
        version: 2,
        ..disabled.clone()
    };
    assert_eq!(store.replace_endpoint(&disable).await, Ok(true));
    let id = DeliveryId(fresh());
    let counts = join_all(fixture.concurrent(3).map(|store| store.enqueue(id, PLACED, r#"{"a":"ü"}"#, now()))).await;
    assert_eq!(counts.into_iter().map(|count| count.expect("a count")).sum::<u64>(), 2);
    for (endpoint, expected) in [(first, 1), (second, 1), (other, 0), (disabled, 0)] {
        let page = store.webhook_deliveries(endpoint.id, 10, None).await.expect("a page").expect("an endpoint");
        assert_eq!(page.items.len(), expected);
        assert!(page.items.iter().all(|one| one.id == id && one.payload == r#"{"a":"ü"}"# && one.attempts == 0));
    }
}

pub async fn leased_delivery_is_due_again_after_its_lease(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    let id = enqueued(store, later(10)).await;
    assert_eq!(lease_all(store, later(9)).await, []);
    let due = only_leased(store, later(10)).await;
    assert_eq!((due.delivery.id, due.delivery.attempts, due.due_at), (id, 1, later(10)));
    assert_eq!((due.endpoint, due.delivery.next_attempt_at), (endpoint, Some(later(130))));
    assert!(!due.has_contact, "the creator is nobody's contact");
    assert_eq!(lease_all(store, later(129)).await, []);
    assert_eq!(only_leased(store, later(130)).await.delivery.attempts, 2);
}

pub async fn concurrent_leases_share_what_is_due(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    created(store, 0, &[PLACED]).await;
    for _ in 0..5 {
        enqueued(store, now()).await;
    }
    let leased = join_all(fixture.concurrent(4).map(|store| lease_all(store, now()))).await;
    let mut ids: Vec<DeliveryId> = leased.iter().flatten().map(|due| due.delivery.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), leased.iter().flatten().count()), (5, 5), "each is leased by one");
}

pub async fn lease_takes_some_of_each_endpoint(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let busy = created(store, 0, &[SHIPPED]).await;
    for seconds in 0..4 {
        assert_eq!(store.enqueue(DeliveryId(fresh()), SHIPPED, "{}", later(seconds)).await, Ok(1));
    }
    let other = created(store, 0, &[PLACED]).await;
    enqueued(store, later(5)).await;
    let lease = async |total, per_endpoint| {
        let due = store.lease_due(later(5), later(125), LeaseLimits { total, per_endpoint }).await;
        due.expect("the store responds").into_iter().map(|one| (one.endpoint.id, one.due_at)).collect::<Vec<_>>()
    };
    assert_eq!(
        lease(2, 2).await,
        [(busy.id, later(0)), (other.id, later(5))],
        "the oldest of each before the second of any"
    );
    assert_eq!(lease(10, 2).await, [(busy.id, later(1)), (busy.id, later(2))]);
    assert_eq!(lease(1, 2).await, [(busy.id, later(3))]);
}

pub async fn first_attempts_are_leased_once_and_not_of_endpoints_that_fail(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let failing = created(store, 0, &[SHIPPED, PLACED]).await;
    assert_eq!(store.enqueue(DeliveryId(fresh()), SHIPPED, "{}", now()).await, Ok(1));
    conclude(store, &only_leased(store, now()).await, Ok(500), now()).await;
    let healthy = created(store, 0, &[PLACED]).await;
    let id = DeliveryId(fresh());
    assert_eq!(store.enqueue(id, PLACED, "{}", now()).await, Ok(2));
    let leased = join_all(fixture.concurrent(3).map(|store| store.lease_first(id, now(), later(120), ALL))).await;
    let leased: Vec<DueDelivery> = leased.into_iter().flat_map(|due| due.expect("a lease")).collect();
    let [due] = leased.as_slice() else { panic!("{leased:?}") };
    assert_eq!((&due.endpoint, due.delivery.id, due.delivery.attempts), (&healthy, id, 1));
    assert_eq!((due.due_at, due.delivery.next_attempt_at), (now(), Some(later(120))));
    assert_eq!(store.lease_first(id, later(120), later(240), ALL).await, Ok(vec![]), "it was attempted");
    let due = lease_all(store, later(120)).await;
    assert_eq!(due.len(), 3, "both, and what failed before: {due:?}");
    assert!(due.iter().any(|one| one.endpoint.id == failing.id && one.delivery.id == id));
}

pub async fn few_first_attempts_are_under_way_at_once(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    created(store, 0, &[SHIPPED]).await;
    created(store, 0, &[PLACED]).await;
    let limits = LeaseLimits { total: 3, per_endpoint: 2 };
    let first = async |event: &str| {
        let id = DeliveryId(fresh());
        assert_eq!(store.enqueue(id, event, "{}", now()).await, Ok(1));
        let mut due = store.lease_first(id, now(), later(120), limits).await.expect("the store responds");
        (due.len() <= 1).then(|| due.pop()).expect("one delivery")
    };
    let busy = first(SHIPPED).await.expect("leased");
    assert!(first(SHIPPED).await.is_some() && first(SHIPPED).await.is_none(), "two of an endpoint");
    assert!(first(PLACED).await.is_some() && first(PLACED).await.is_none(), "three of all");
    conclude(store, &busy, Ok(204), later(1)).await;
    assert!(first(PLACED).await.is_some(), "one has ended");
}

pub async fn one_delivery_is_leased_whatever_else_is_under_way(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    let (id, other) = (enqueued(store, now()).await, enqueued(store, now()).await);
    let lease = async |id, at| store.lease_one(endpoint.id, id, at, later(120)).await.expect("the store responds");
    let due = lease(other, now()).await.expect("due");
    conclude(store, &due, Ok(500), now()).await;
    let due = lease(id, now()).await.expect("due, though the endpoint is failing");
    assert_eq!((due.delivery.id, due.delivery.attempts, due.delivery.next_attempt_at), (id, 1, Some(later(120))));
    assert_eq!(lease(id, later(119)).await, None, "leased");
    assert_eq!(lease(DeliveryId(fresh()), now()).await, None);
    conclude(store, &due, Ok(410), later(1)).await;
    store.retry_delivery(endpoint.id, id, later(2)).await.expect("the store responds").expect("a delivery");
    assert_eq!(lease(id, later(2)).await, None, "the endpoint is disabled");
}

pub async fn concluded_attempt_is_stored_and_an_outdated_one_is_not(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    enqueued(store, now()).await;
    let lost = only_leased(store, now()).await;
    let due = only_leased(store, later(120)).await;
    conclude(store, &lost, Ok(204), later(121)).await;
    conclude(store, &due, Err(SendError::TimedOut), later(130)).await;
    let log = async || {
        let page = store.webhook_deliveries(endpoint.id, 10, None).await.expect("a page").expect("an endpoint");
        page.items[0].clone()
    };
    let failed = log().await;
    assert_eq!((failed.status, failed.attempts, failed.error), (DeliveryStatus::Pending, 2, Some(SendError::TimedOut)));
    assert_eq!((failed.next_attempt_at, failed.last_attempt_at), (Some(later(430)), Some(later(130))));
    conclude(store, &only_leased(store, later(430)).await, Ok(204), later(431)).await;
    let delivered = log().await;
    assert_eq!(
        (delivered.status, delivered.response_status, delivered.error),
        (DeliveryStatus::Delivered, Some(204), None)
    );
    assert_eq!((delivered.next_attempt_at, lease_all(store, later(9_999)).await.len()), (None, 0));
}

pub async fn disabled_endpoint_is_sent_nothing(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    let id = enqueued(store, now()).await;
    let disabled = Endpoint {
        status: EndpointStatus::Disabled,
        disabled_reason: Some(DisabledReason::Requested),
        version: 2,
        ..endpoint.clone()
    };
    assert_eq!(store.replace_endpoint(&disabled).await, Ok(true));
    assert_eq!(lease_all(store, later(60)).await, []);
    store.retry_delivery(endpoint.id, id, now()).await.expect("the store responds").expect("a delivery");
    assert_eq!(lease_all(store, later(60)).await, []);
    assert_eq!(store.replace_endpoint(&Endpoint { version: 3, ..endpoint }).await, Ok(true));
    assert_eq!(only_leased(store, later(60)).await.delivery.id, id);
}

pub async fn deliveries_are_listed_newest_first_and_retried(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    let empty = ports::Page { items: vec![], next: None };
    assert_eq!(store.webhook_deliveries(endpoint.id, 10, None).await, Ok(Some(empty)));
    assert_eq!(store.webhook_deliveries(EndpointId(fresh()), 10, None).await, Ok(None));
    let mut ids = Vec::new();
    for seconds in 0..2 {
        ids.push(enqueued(store, later(seconds)).await);
    }
    let test = webhook::delivery((endpoint.id, DeliveryId(fresh())), "webhook.test", "{}".to_owned(), later(2));
    store.add_delivery(&test).await.expect("added");
    let first = store.webhook_deliveries(endpoint.id, 2, None).await.expect("a page").expect("an endpoint");
    assert_eq!(first.items.iter().map(|one| one.id).collect::<Vec<_>>(), [test.id, ids[1]]);
    assert_eq!(first.items[0], test);
    let cursor = first.next.expect("a second page");
    let second = store.webhook_deliveries(endpoint.id, 2, Some(&cursor)).await.expect("a page").expect("an endpoint");
    assert_eq!((second.items[0].id, second.next), (ids[0], None));
    for due in lease_all(store, later(2)).await {
        conclude(store, &due, Ok(204), later(3)).await;
    }
    let retried = store.retry_delivery(endpoint.id, ids[0], later(9)).await.expect("a response").expect("a delivery");
    assert_eq!(
        (retried.status, retried.attempts, retried.next_attempt_at),
        (DeliveryStatus::Pending, 0, Some(later(9)))
    );
    assert_eq!(only_leased(store, later(9)).await.delivery.id, ids[0]);
    assert_eq!(store.retry_delivery(endpoint.id, DeliveryId(fresh()), later(9)).await, Ok(None));
    assert_eq!(store.retry_delivery(EndpointId(fresh()), ids[0], later(9)).await, Ok(None));
}

pub async fn deleted_endpoint_takes_its_deliveries_with_it(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    enqueued(store, now()).await;
    let due = only_leased(store, now()).await;
    assert_eq!(store.delete_endpoint(endpoint.id, Some(endpoint.version + 1)).await, Ok(false));
    assert_eq!(store.endpoint(endpoint.id).await, Ok(Some(endpoint.clone())));
    assert_eq!(store.delete_endpoint(endpoint.id, Some(endpoint.version)).await, Ok(true));
    assert_eq!(store.delete_endpoint(endpoint.id, None).await, Ok(false));
    assert!(!conclude(store, &due, Ok(500), now()).await);
    assert_eq!(store.webhook_deliveries(endpoint.id, 10, None).await, Ok(None));
    assert_eq!(lease_all(store, later(9_999)).await, []);
}
