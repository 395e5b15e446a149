//! Notifications: requested by staff, sent by channel, logged, and suppressed after bounces.

use super::{
    ORDER, USER, assert_all_samples_run, clock,
    consumers::{USUAL, deliver},
    http::assert_responses,
    sample, sample_time, seeded_platform,
};
use adapters::{Wiring, config::Config};
use domain::{
    DomainEvent,
    id::DeviceId,
    message_limits::MessageLimits,
    notification::{Channel, Locale, NotificationOutcome, Preferences, Suppression, Template},
    text::{DeviceToken, Email, Phone},
};
use edge::{Consumer, Delivery};
use kernel::Failure;
use ports::{
    Contact, ContactStore as _, Device, DeviceStore as _, EmailFeedback, EmailFeedbackStore as _,
    NotificationRequests as _, PreferenceStore as _, PushEndpoints as _,
};
use services::Channels;
use testkit::{Dependency, FaultPoint, Occurrence, Platform, build};

#[tokio::test]
async fn notification_send_accepts_a_request_once_per_key() {
    let expected = [
        (r#"set /body/channel = "sms""#, 422, "validation", "/channel"),
        (r#"set /body/template = "order_confirmed""#, 422, "validation", "/template"),
        (r#"set /body/data/subject = "two\nlines""#, 422, "validation", "/data/subject"),
        (r#"set /body/data/text = " ""#, 422, "validation", "/data/text"),
        ("bad_user", 422, "validation", "/user_id"),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        ("remove /headers/idempotency-key", 400, "idempotency-key-missing", ""),
        (r#"set /body/channel = "sms"; set /body/data/text = "It is here.""#, 422, "validation", "/channel"),
        ("bad_text_too_long", 422, "validation", "/data/text"),
        ("ok", 202, "", ""),
    ];
    let platform = seeded_platform();
    for _ in 0..2 {
        assert_responses(catalog::NOTIFICATION_SEND, &expected, async |_, call| {
            notification_send::handle(&platform.contacts(), &MessageLimits::default(), call).await
        })
        .await;
    }
    let published: Vec<DomainEvent> = platform.bus().published().into_iter().map(|event| event.event).collect();
    assert!(matches!(published.as_slice(), [DomainEvent::NotificationRequested(_)]), "{published:?}");
}

#[tokio::test]
async fn message_send_sends_a_request_once_and_logs_it() {
    let platform = platform_with_all_channels().await;
    let cases = [&USUAL[..], &["ok_sms", "ok_push"]].concat();
    let limits = MessageLimits::default();
    deliver(catalog::MESSAGE_SEND, &cases, &platform, async |delivery| {
        let (email, sms, push) = (&platform.email_sender(), &platform.sms_sender(), &platform.push_sender());
        let (contacts, templates) = (platform.contacts(), platform.message_templates());
        let channels = Channels { email, sms, push, limits: &limits };
        message_send::handle(&contacts, &templates, channels, delivery).await
    })
    .await;
    let (mails, texts, notices) =
        (platform.email_sender().sent(), platform.sms_sender().sent(), platform.push_sender().sent());
    assert_eq!((mails.len(), texts.len(), notices.len()), (1, 1, 1));
    assert_eq!((texts[0].0.as_str(), notices[0].0.as_str()), (NUMBER, "device/phone"));
    let log = platform.contacts().delivery_log(ORDER, 10, None).await.expect("a page").items;
    assert!(log.iter().all(|one| one.sent.user_id == USER && one.sent.template == Template::Message), "{log:?}");
    let channels: Vec<Channel> = log.iter().map(|one| one.sent.channel).collect();
    assert_eq!(channels, [Channel::Email, Channel::Sms, Channel::Push]);
}

const NUMBER: &str = "+491701234567";

/// A platform whose customer has a phone number and a device, and chose all channels.
pub(super) async fn platform_with_all_channels() -> Platform {
    let (platform, contact) = (seeded_platform(), build::user().id(USER).contact());
    platform.contacts().put(&Contact { phone: Some(Phone::parse(NUMBER).expect("a number")), ..contact });
    let token = DeviceToken::parse("phone").expect("a token");
    let endpoint = platform.push_sender().register(&token).await.expect("registered");
    let device = Device { id: DeviceId(ORDER.0), endpoint, registered_at: sample_time() };
    platform.contacts().save_device(USER, &device).await.expect("stored");
    let all = Preferences { channels: Channel::ALL.into(), ..Preferences::default() };
    platform.contacts().set_preferences(USER, &all).await.expect("stored");
    platform
}

const EVENTS: [&str; 7] =
    ["ok", "bad_mixed_batch", "bad_unexpected_event", "ok_cancelled", "ok_delivered", "ok_shipped", "ok_waiting"];

pub(super) async fn send_update(platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let (email, sms, push) = (&platform.email_sender(), &platform.sms_sender(), &platform.push_sender());
    let (contacts, templates) = (platform.contacts(), platform.message_templates());
    let channels = Channels { email, sms, push, limits: &MessageLimits::default() };
    update_send::handle(&contacts, &templates, channels, delivery).await
}

#[tokio::test]
async fn update_send_notifies_once_per_event_on_each_channel_and_every_device() {
    let platform = platform_with_all_channels().await;
    let contacts = platform.contacts();
    let lost = Device { id: DeviceId(USER.0), endpoint: "device/lost".to_owned(), registered_at: sample_time() };
    contacts.save_device(USER, &lost).await.expect("stored");
    deliver(catalog::UPDATE_SEND, &EVENTS, &platform, async |delivery| send_update(&platform, delivery).await).await;
    let (texts, shown) = (platform.sms_sender().sent(), platform.push_sender().sent());
    assert_eq!(sent_counts(&platform), [5, 5, 5], "one per event: {texts:?} {shown:?}");
    assert!(texts.iter().all(|(to, text)| to.as_str() == NUMBER && text.contains("0192f0c1")), "{texts:?}");
    assert!(shown.iter().all(|(device, ..)| device == "device/phone"));
    let devices = contacts.find(USER).await.expect("a response").expect("a contact").devices;
    assert_eq!(devices.len(), 1, "the endpoint that is gone is removed");
}

/// Delivers one sample event. Returns how many records failed.
pub(super) async fn try_to_notify(platform: &Platform, function: &catalog::Function, case: &str) -> usize {
    let consumer = Consumer::new(catalog::UPDATE_SEND.name, catalog::MAX_RECEIVES);
    let handler = async |delivery| send_update(platform, delivery).await;
    let event = sample(function, case);
    let response = edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
    response.expect("a batch")["batchItemFailures"].as_array().map_or(0, Vec::len)
}

async fn notify(platform: &Platform, case: &str) {
    assert_eq!(try_to_notify(platform, catalog::UPDATE_SEND, case).await, 0);
}

#[tokio::test]
async fn update_waits_for_the_contact_of_its_customer() {
    assert_eq!(try_to_notify(&Platform::new(), catalog::UPDATE_SEND, "ok").await, 1);
}

#[tokio::test]
async fn update_send_dead_letters_a_request_of_staff_that_reaches_its_queue() {
    let platform = platform_with_all_channels().await;
    assert_eq!(try_to_notify(&platform, catalog::MESSAGE_SEND, "ok_sms").await, 0);
    assert_eq!(sent_counts(&platform), [0, 0, 0], "message-send sends it");
    assert_eq!(platform.dead_letters().messages()[0].reason, "unexpected-event");
}

#[tokio::test]
async fn failed_channel_delays_no_other_and_is_retried_alone() {
    for (down, first) in [(Dependency::Email, [0, 1, 1]), (Dependency::Sms, [1, 0, 1]), (Dependency::Push, [1, 1, 0])] {
        let platform = platform_with_all_channels().await;
        platform.faults().take_down(down);
        assert_eq!(try_to_notify(&platform, catalog::UPDATE_SEND, "ok").await, 1, "{down:?}");
        assert_eq!(sent_counts(&platform), first, "{down:?}");
        platform.faults().restore_all();
        notify(&platform, "ok").await;
        assert_eq!(sent_counts(&platform), [1, 1, 1], "{down:?}");
    }
}

#[tokio::test]
async fn rejected_email_is_logged_and_the_other_channels_are_retried() {
    let platform = platform_with_all_channels().await;
    platform.email_sender().reject(build::user().id(USER).contact().email.as_str());
    platform.faults().take_down(Dependency::Sms);
    assert_eq!(try_to_notify(&platform, catalog::UPDATE_SEND, "ok").await, 1, "the text may succeed later");
    platform.faults().restore_all();
    notify(&platform, "ok").await;
    assert_eq!(sent_counts(&platform), [0, 1, 1]);
    assert!(platform.dead_letters().messages().is_empty());
    let log = platform.contacts().delivery_log(ORDER, 10, None).await.expect("a page").items;
    let of_email = log.iter().find(|one| one.sent.channel == Channel::Email);
    assert_eq!(of_email.map(|one| one.outcome), Some(NotificationOutcome::Rejected));
}

pub(super) fn sent_counts(platform: &Platform) -> [usize; 3] {
    [platform.email_sender().sent().len(), platform.sms_sender().sent().len(), platform.push_sender().sent().len()]
}

#[tokio::test]
async fn customers_are_notified_on_their_chosen_channels_only() {
    for (channels, expected) in [
        (vec![Channel::Email], [1, 0, 0]),
        (vec![Channel::Sms], [0, 1, 0]),
        (vec![Channel::Push], [0, 0, 1]),
        (vec![], [0, 0, 0]),
        (Channel::ALL.to_vec(), [1, 1, 1]),
    ] {
        let platform = platform_with_all_channels().await;
        let preferences = Preferences { channels: channels.iter().copied().collect(), ..Preferences::default() };
        platform.contacts().set_preferences(USER, &preferences).await.expect("stored");
        notify(&platform, "ok").await;
        assert_eq!(sent_counts(&platform), expected, "{channels:?}");
        let log = platform.contacts().delivery_log(ORDER, 10, None).await.expect("a page").items;
        assert_eq!(
            log.iter().map(|one| one.sent.channel).collect::<Vec<_>>(),
            channels,
            "channels that were not chosen are not logged"
        );
    }
}

#[tokio::test]
async fn unreachable_channel_is_logged_once() {
    let platform = seeded_platform();
    let all = Preferences { channels: Channel::ALL.into(), ..Preferences::default() };
    platform.contacts().set_preferences(USER, &all).await.expect("stored");
    let address = build::user().id(USER).contact().email;
    let bounce = EmailFeedback { delivery: None, reason: Suppression::Bounced, suppress: vec![address] };
    platform.contacts().record_feedback(&bounce, sample_time()).await.expect("stored");
    for _ in 0..2 {
        notify(&platform, "ok").await;
    }
    assert_eq!(sent_counts(&platform), [0, 0, 0]);
    let log = platform.contacts().delivery_log(ORDER, 10, None).await.expect("a page").items;
    let outcomes: Vec<_> = log.iter().map(|one| (one.sent.channel, one.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            (Channel::Email, NotificationOutcome::Suppressed),
            (Channel::Sms, NotificationOutcome::NoAddress),
            (Channel::Push, NotificationOutcome::NoAddress),
        ]
    );
}

#[tokio::test]
async fn email_feedback_track_suppresses_a_bounced_address() {
    for (case, outcome, suppressed) in [
        ("ok", NotificationOutcome::Bounced, Some(Suppression::Bounced)),
        ("ok_complaint", NotificationOutcome::Complained, Some(Suppression::Complained)),
        ("ok_mailbox_full", NotificationOutcome::Bounced, None),
        ("ok_ses_validation", NotificationOutcome::Sent, None),
    ] {
        let platform = seeded_platform();
        platform.contacts().put(&Contact {
            email: Email::parse("ada@example.com").expect("an address"),
            ..build::user().id(USER).contact()
        });
        notify(&platform, "ok").await;
        let handler = async |notice| {
            email_feedback_track::handle(&platform.contacts(), adapters_ses::parse_email_feedback, notice).await
        };
        for _ in 0..2 {
            let (consumer, event) = (
                Consumer::new(catalog::EMAIL_FEEDBACK_TRACK.name, catalog::MAX_RECEIVES),
                sample(catalog::EMAIL_FEEDBACK_TRACK, case),
            );
            let response = edge::queue::raw_batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
            assert_eq!(response.expect("a batch")["batchItemFailures"], serde_json::json!([]), "{case}");
        }
        assert_eq!(platform.dead_letters().messages().len(), 0, "{case}");
        assert_eq!(
            platform.contacts().find(USER).await.expect("a response").expect("a contact").suppressed,
            suppressed
        );
        let log = platform.contacts().delivery_log(ORDER, 10, None).await.expect("a page").items;
        assert_eq!(log.iter().map(|one| one.outcome).collect::<Vec<_>>(), [outcome], "{case}");
    }
}

#[tokio::test]
async fn email_feedback_track_dead_letters_only_the_malformed_message() {
    let platform = seeded_platform();
    let handler = async |notice| {
        email_feedback_track::handle(&platform.contacts(), adapters_ses::parse_email_feedback, notice).await
    };
    let consumer = Consumer::new(catalog::EMAIL_FEEDBACK_TRACK.name, catalog::MAX_RECEIVES);
    for (dead_lettered, case) in (1..).zip(["bad_mixed_batch", "bad_no_event_type"]) {
        let event = sample(catalog::EMAIL_FEEDBACK_TRACK, case);
        edge::queue::raw_batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
        assert_eq!(platform.dead_letters().messages().len(), dead_lettered, "{case}");
        assert_eq!(platform.dead_letters().messages()[dead_lettered - 1].reason, "unreadable");
    }
    assert_all_samples_run(
        catalog::EMAIL_FEEDBACK_TRACK,
        &["ok", "ok_complaint", "ok_mailbox_full", "ok_ses_validation", "bad_mixed_batch", "bad_no_event_type"],
    );
}

#[tokio::test]
async fn preferences_are_shown_and_stored_for_their_owner_and_an_admin() {
    let platform = seeded_platform();
    let (contacts, expected) = (
        platform.contacts(),
        [
            ("ok", 200, "", ""),
            ("ok_no_channels", 200, "", ""),
            (r#"set /body/channels/1 = "fax""#, 422, "validation", "/channels/1"),
            (r#"set /body/locale = "tlh""#, 422, "validation", "/locale"),
            ("remove /body/locale", 422, "validation", "/locale"),
            ("set /body/telegram = true", 422, "validation", "/telegram"),
            ("bad_not_owner", 404, "not-found", ""),
        ],
    );
    assert_responses(catalog::PREFERENCES_UPDATE, &expected, async |_, call| {
        preferences_update::handle(&contacts, call).await
    })
    .await;
    assert_eq!(
        contacts.preferences(USER).await.expect("a response").channels,
        [].into(),
        "the last preferences stands"
    );
    let german = Preferences { channels: [Channel::Push, Channel::Email].into(), locale: Locale::De };
    contacts.set_preferences(USER, &german).await.expect("stored");
    let expected = [
        ("ok", 200, "", ""),
        ("ok_admin", 200, "", ""),
        ("bad_staff", 403, "forbidden", ""),
        ("bad_not_owner", 404, "not-found", ""),
        ("bad_not_an_id", 404, "not-found", ""),
    ];
    assert_responses(catalog::PREFERENCES_GET, &expected, async |case, call| {
        let reply = preferences_get::handle(&contacts, call).await?;
        if case.starts_with("ok") {
            assert_eq!(reply.to_stored()?.body, r#"{"channels":["email","push"],"locale":"de"}"#);
        }
        Ok(reply)
    })
    .await;
}

#[tokio::test]
async fn device_is_registered_and_removed_by_its_owner() {
    let platform = seeded_platform();
    let (contacts, directory) = (platform.contacts(), platform.push_sender());
    let expected = [
        ("ok", 201, "", ""),
        (r#"set /body/token = "not a token""#, 422, "validation", "/token"),
        ("remove /body/token", 422, "validation", "/token"),
        ("bad_not_owner", 404, "not-found", ""),
        ("bad_staff", 403, "forbidden", ""),
    ];
    for _ in 0..2 {
        assert_responses(catalog::DEVICE_REGISTER, &expected, async |_, call| {
            device_register::handle(&contacts, &directory, call).await
        })
        .await;
    }
    let devices = contacts.find(USER).await.expect("a response").expect("a contact").devices;
    assert_eq!(devices.len(), 1, "registering twice adds one device: {devices:?}");
    let own: DeviceId = "0192f0c1-0000-7000-8000-0000000000d1".parse().expect("an id");
    let tablet = Device { id: own, endpoint: "device/tablet".to_owned(), registered_at: sample_time() };
    contacts.save_device(USER, &tablet).await.expect("stored");
    let expected =
        [("ok", 204, "", ""), ("bad_not_owner", 404, "not-found", ""), ("bad_not_an_id", 404, "not-found", "")];
    for _ in 0..2 {
        assert_responses(catalog::DEVICE_REMOVE, &expected, async |_, call| {
            device_remove::handle(&contacts, call).await
        })
        .await;
    }
    assert_eq!(contacts.find(USER).await.expect("a response").expect("a contact").devices, devices);
}

#[tokio::test]
async fn accepted_request_is_replayed_even_if_it_would_be_rejected_now() {
    let platform = seeded_platform();
    let (contacts, route) =
        (platform.contacts(), Wiring::new(catalog::NOTIFICATION_SEND, Config::from_vars([])).route());
    let route = route.expect("a route");
    let request = async |case| {
        let handler = async |call| notification_send::handle(&contacts, &MessageLimits::default(), call).await;
        edge::http::respond(&route, sample(catalog::NOTIFICATION_SEND, case), &clock(), &handler).await
    };
    let first = request("ok").await;
    let none = Preferences { channels: [].into(), ..Preferences::default() };
    contacts.set_preferences(USER, &none).await.expect("stored");
    let again = request("ok").await;
    assert_eq!((&first["statusCode"], &first["body"]), (&again["statusCode"], &again["body"]));
    assert_eq!(again["headers"]["idempotent-replayed"], "true");
    assert_eq!(request("bad_user").await["statusCode"], 422);
    assert_eq!(platform.bus().published().len(), 1);
}

#[tokio::test]
async fn permanently_rejected_number_is_logged_and_not_dead_lettered() {
    let platform = platform_with_all_channels().await;
    platform.sms_sender().reject(&Phone::parse(NUMBER).expect("a number"));
    notify(&platform, "ok").await;
    assert_eq!(sent_counts(&platform), [1, 0, 1]);
    let log = platform.contacts().delivery_log(ORDER, 10, None).await.expect("a page").items;
    let outcomes: Vec<_> = log.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [NotificationOutcome::Sent, NotificationOutcome::Rejected, NotificationOutcome::Sent]);
    assert!(platform.dead_letters().messages().is_empty());
}

#[tokio::test]
async fn push_succeeds_if_one_device_is_reached_and_retries_if_none_is() {
    for (down, again) in [(Occurrence::First(1), 0), (Occurrence::All, 1)] {
        let platform = platform_with_all_channels().await;
        let token = DeviceToken::parse("tablet").expect("a token");
        let endpoint = platform.push_sender().register(&token).await.expect("registered");
        let tablet = Device { id: DeviceId(USER.0), endpoint, registered_at: sample_time() };
        platform.contacts().save_device(USER, &tablet).await.expect("stored");
        platform.faults().fail(Dependency::Push, down, FaultPoint::Before);
        assert_eq!(try_to_notify(&platform, catalog::UPDATE_SEND, "ok").await, again);
        assert_eq!(platform.push_sender().sent().len(), 1 - again);
    }
}
