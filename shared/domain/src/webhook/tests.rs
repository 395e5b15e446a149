//! Rules of endpoints and of the schedule of attempts.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

fn endpoint() -> Endpoint {
    let command = CreateEndpoint {
        url: WebhookUrl::parse("https://example.com/hook").expect("a URL"),
        event_types: EventTypes::try_from(vec![EventType(catalog::ORDER_PLACED.name)]).expect("events"),
        description: None,
    };
    let owner = (UserId(kernel::Uuid::from_u128(1)), "sealed 1".to_owned());
    create(EndpointId(kernel::Uuid::from_u128(2)), command, &WebhookTargets::default(), owner, at(0)).expect("created")
}

fn command(status: EndpointStatus) -> UpdateEndpoint {
    let Endpoint { url, event_types, description, .. } = endpoint();
    UpdateEndpoint { url, event_types, description, status }
}

#[test]
fn failed_attempts_are_repeated_over_five_days_and_then_given_up() {
    let (mut now, mut delays) = (at(0), Vec::new());
    for attempt in 1..MAX_ATTEMPTS {
        let result = conclude(attempt, None, Err(SendError::TimedOut), 0, now).expect("a result");
        assert_eq!((result.status, result.error), (DeliveryStatus::Pending, Some(SendError::TimedOut)));
        let next = result.next_attempt_at.expect("a next attempt");
        delays.push(next.as_second() - now.as_second());
        now = next;
    }
    assert_eq!(delays, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400, 86_400]);
    assert!(now.as_second() - at(0).as_second() >= 5 * 86_400);
    let last = conclude(MAX_ATTEMPTS, None, Ok(500), 0, now).expect("a result");
    assert_eq!((last.status, last.next_attempt_at, last.disable), (DeliveryStatus::Failed, None, None));
}

#[test]
fn jitter_adds_up_to_a_fifth() {
    let next = |jitter| conclude(3, None, Ok(503), jitter, at(0)).expect("a result").next_attempt_at;
    assert_eq!((next(0), next(u16::MAX)), (Some(at(1_800)), Some(at(2_160))));
    assert!((at(1_800)..=at(2_160)).contains(&next(12_345).expect("a time")));
}

#[test]
fn any_2xx_is_a_success_and_nothing_else_is() {
    for (status, expected) in [
        (200, DeliveryStatus::Delivered),
        (204, DeliveryStatus::Delivered),
        (299, DeliveryStatus::Delivered),
        (100, DeliveryStatus::Pending),
        (301, DeliveryStatus::Pending),
        (404, DeliveryStatus::Pending),
        (500, DeliveryStatus::Pending),
    ] {
        let result = conclude(1, Some(at(0)), Ok(status), 0, at(1)).expect("a result");
        assert_eq!((result.status, result.disable), (expected, None), "{status}");
    }
}

#[test]
fn endpoint_is_disabled_after_five_days_of_failures_or_when_it_is_gone() {
    let disable = |since, result, now| conclude(1, since, result, 0, now).expect("a result").disable;
    let five_days = at(5 * 86_400);
    assert_eq!(disable(Some(at(1)), Ok(500), five_days), None);
    assert_eq!(disable(Some(at(0)), Ok(500), five_days), Some(DisabledReason::Failing));
    assert_eq!(disable(Some(at(0)), Ok(200), five_days), None);
    assert_eq!(disable(None, Err(SendError::AddressRefused), five_days), None);
    assert_eq!(disable(None, Ok(410), at(0)), Some(DisabledReason::Gone));
    let gone = conclude(1, None, Ok(410), 0, at(0)).expect("a result");
    assert_eq!((gone.status, gone.next_attempt_at), (DeliveryStatus::Failed, None));
}

#[test]
fn rotated_secret_signs_together_with_the_one_before_for_a_day() {
    let (rotated, until) = rotate_secret(&endpoint(), "sealed 2".to_owned(), at(10)).expect("rotated");
    assert_eq!((rotated.version, until), (2, at(10 + 86_400)));
    assert_eq!(rotated.signing_secrets(at(10 + 86_399)), ["sealed 2", "sealed 1"]);
    assert_eq!(rotated.signing_secrets(at(10 + 86_400)), ["sealed 2"]);
}

#[test]
fn endpoint_that_is_enabled_again_has_no_record_of_failures() {
    let targets = WebhookTargets::default();
    let failing = Endpoint {
        status: EndpointStatus::Disabled,
        disabled_reason: Some(DisabledReason::Failing),
        failing_since: Some(at(0)),
        ..endpoint()
    };
    let still = update(&failing, command(EndpointStatus::Disabled), &targets, at(1)).expect("updated");
    assert_eq!((still.disabled_reason, still.failing_since), (Some(DisabledReason::Failing), Some(at(0))));
    let again = update(&failing, command(EndpointStatus::Enabled), &targets, at(1)).expect("updated");
    assert_eq!((again.disabled_reason, again.failing_since, again.version), (None, None, 2));
    assert!(again.check_enabled().is_ok() && failing.check_enabled().is_err());
    let url = WebhookUrl::parse("https://example.com/moved").expect("a URL");
    let moved = UpdateEndpoint { url, ..command(EndpointStatus::Disabled) };
    assert_eq!(update(&failing, moved, &targets, at(1)).expect("updated").failing_since, None);
}

#[test]
fn event_types_are_those_of_the_public_list() {
    let parse = |json: &str| serde_json::from_str::<EventTypes>(json).map(|events| events.names());
    assert_eq!(parse(r#"["OrderPlaced.v1", "OrderPlaced.v1"]"#).expect("parsed"), ["OrderPlaced.v1"]);
    for bad in ["[]", r#"["UserRegistered.v1"]"#, r#"["OrderPlaced"]"#, r#"["*"]"#] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn notice_names_the_endpoint_and_the_cause_and_no_path() {
    let notice = disabled_notice(&endpoint(), DisabledReason::Gone).expect("a notice");
    assert_eq!((notice.user_id, notice.channel), (endpoint().created_by, Channel::Email));
    let text = notice.text.as_str();
    assert!(text.contains("https://example.com was disabled. It responded 410 Gone."), "{text}");
    assert!(!text.contains("/hook"), "{text}");
}
