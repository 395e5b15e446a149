//! Contract of [`WebhookQueue`](ports::WebhookQueue) about endpoints that fail: what is recorded of them, and when they are disabled.

use super::{
    Fixture, later, now,
    webhooks::{PLACED, Stores, conclude, created, enqueued, lease_all, notice, only_leased, stored},
};
use domain::webhook::{self, DeliveryStatus, DisabledReason, Endpoint, EndpointStatus, WebhookUrl};

/// Generates one test per rule. The expression is a future of a `Fixture<impl Stores>`; each rule needs a store of its own.
#[macro_export]
macro_rules! contract_webhook_failures {
    ($fixture:expr) => {
        $crate::each_rule! { webhook_failures, $fixture;
            endpoint_remembers_since_when_it_has_been_failing
            attempts_do_not_conflict_with_edits_of_their_endpoint
            endpoint_is_disabled_once_with_its_pending_deliveries_and_one_notice
            endpoint_that_succeeded_since_is_not_disabled_for_failing
        }
    };
}

pub async fn endpoint_remembers_since_when_it_has_been_failing(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    enqueued(store, now()).await;
    conclude(store, &only_leased(store, now()).await, Ok(500), later(1)).await;
    conclude(store, &only_leased(store, later(10)).await, Ok(500), later(11)).await;
    assert_eq!(stored(store, endpoint.id).await.failing_since, Some(later(1)));
    let due = only_leased(store, later(1_000)).await;
    assert_eq!(due.endpoint.failing_since, Some(later(1)));
    conclude(store, &due, Ok(200), later(1_001)).await;
    assert_eq!(stored(store, endpoint.id).await.failing_since, None);
}

pub async fn attempts_do_not_conflict_with_edits_of_their_endpoint(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    enqueued(store, now()).await;
    conclude(store, &only_leased(store, now()).await, Ok(500), later(1)).await;
    let failing = stored(store, endpoint.id).await;
    assert_eq!(failing, Endpoint { failing_since: Some(later(1)), ..endpoint.clone() }, "the version is the same");
    // Begun before the attempt.
    let edited = Endpoint { secret: "new".to_owned(), version: 2, ..endpoint.clone() };
    assert_eq!(store.replace_endpoint(&edited).await, Ok(true));
    let kept = Endpoint { failing_since: Some(later(1)), ..edited.clone() };
    assert_eq!(stored(store, endpoint.id).await, kept, "what the attempt recorded stays");
    conclude(store, &only_leased(store, later(1_000)).await, Ok(200), later(1_001)).await;
    assert_eq!(stored(store, endpoint.id).await, edited, "it recovered");
    enqueued(store, later(2_000)).await;
    conclude(store, &only_leased(store, later(2_000)).await, Ok(500), later(2_001)).await;
    let url = WebhookUrl::parse("https://example.com/other").expect("a URL");
    let moved = Endpoint { url, version: 3, ..edited };
    assert_eq!(store.replace_endpoint(&moved).await, Ok(true));
    assert_eq!(stored(store, endpoint.id).await, moved, "another URL has not failed");
}

pub async fn endpoint_is_disabled_once_with_its_pending_deliveries_and_one_notice(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    for _ in 0..3 {
        enqueued(store, now()).await;
    }
    let due = lease_all(store, now()).await;
    let result = webhook::conclude(1, None, Ok(410), 0, now()).expect("a result");
    let notices = [notice(), notice()];
    for (due, (notice, expected)) in due.iter().zip(notices.iter().zip([true, false])) {
        assert_eq!(store.conclude_attempt(due, &result, Some(notice), now()).await, Ok(expected));
    }
    let disabled = stored(store, endpoint.id).await;
    assert_eq!((disabled.status, disabled.disabled_reason), (EndpointStatus::Disabled, Some(DisabledReason::Gone)));
    assert_eq!(disabled.version, endpoint.version + 1, "the status is what people edit");
    let page = store.webhook_deliveries(endpoint.id, 10, None).await.expect("a page").expect("an endpoint");
    assert!(page.items.iter().all(|one| one.status == DeliveryStatus::Failed), "{page:?}");
    fixture.assert_only_published(&[notices[0].id]).await;
}

pub async fn endpoint_that_succeeded_since_is_not_disabled_for_failing(fixture: &Fixture<impl Stores>) {
    let store = fixture.port();
    let endpoint = created(store, 0, &[PLACED]).await;
    enqueued(store, now()).await;
    conclude(store, &only_leased(store, now()).await, Ok(500), now()).await;
    enqueued(store, later(5)).await;
    let due = lease_all(store, later(6 * 86_400)).await;
    assert_eq!(due.len(), 2);
    conclude(store, &due[0], Ok(200), later(6 * 86_400)).await;
    assert!(!conclude(store, &due[1], Ok(500), later(6 * 86_400)).await);
    assert_eq!(stored(store, endpoint.id).await.status, EndpointStatus::Enabled);
}
