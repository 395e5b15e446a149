//! Notifications of which several attempts fail: one failure decides about the retry, and the others are in the log.

use super::{
    USER,
    notifications::{platform_with_all_channels, sent_counts, try_to_notify},
    sample_time,
};
use domain::{id::DeviceId, text::DeviceToken};
use edge::testing::CapturedLogs;
use kernel::Uuid;
use ports::{Device, DeviceStore as _, PushEndpoints as _};
use testkit::{Dependency, FaultPoint, Occurrence, Platform};

/// What is logged of each failure that is not returned: the channel and the code.
fn logged(logs: &CapturedLogs) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let lines = logs.with_message("notification failed");
    lines.iter().map(|line| (text(&line["failure.item"]), text(&line["failure.code"]))).collect()
}

/// Whether the cause of each failure that is logged names the device with this id.
fn names_device(logs: &CapturedLogs, device: DeviceId) -> bool {
    let named = format!("device {device}: ");
    let lines = logs.with_message("notification failed");
    lines.iter().all(|line| line["failure.internal"].as_str().unwrap_or_default().starts_with(&named))
}

/// A device that is notified before the other one.
const TABLET: DeviceId = DeviceId(Uuid::from_u128(1));

/// Registers the tablet.
async fn add_device(platform: &Platform) {
    let token = DeviceToken::parse("tablet").expect("a token");
    let endpoint = platform.push_sender().register(&token).await.expect("registered");
    let device = Device { id: TABLET, endpoint, registered_at: sample_time() };
    platform.contacts().save_device(USER, &device).await.expect("stored");
}

#[tokio::test]
async fn of_several_failed_channels_one_is_returned_and_the_others_are_logged() {
    let platform = platform_with_all_channels().await;
    platform.faults().take_down(Dependency::Email);
    platform.faults().take_down(Dependency::Sms);
    let logs = CapturedLogs::begin();
    assert_eq!(try_to_notify(&platform, catalog::UPDATE_SEND, "ok").await, 1);
    assert_eq!(sent_counts(&platform), [0, 0, 1]);
    assert_eq!(logged(&logs), [("sms".to_owned(), "unavailable".to_owned())]);
    let returned = logs.with_message("record failed");
    assert_eq!(returned.len(), 1, "{returned:?}");
    assert!(returned[0]["failure.internal"].to_string().contains("email"), "{returned:?}");
}

#[tokio::test]
async fn device_that_fails_while_another_is_reached_is_logged() {
    let platform = platform_with_all_channels().await;
    add_device(&platform).await;
    platform.faults().fail(Dependency::Push, Occurrence::First(1), FaultPoint::Before);
    let logs = CapturedLogs::begin();
    assert_eq!(try_to_notify(&platform, catalog::UPDATE_SEND, "ok").await, 0);
    assert_eq!(sent_counts(&platform), [1, 1, 1]);
    assert_eq!(logged(&logs), [("push".to_owned(), "unavailable".to_owned())]);
    assert!(names_device(&logs, TABLET));
}

#[tokio::test]
async fn of_several_failed_devices_one_is_returned_and_the_others_are_logged() {
    let platform = platform_with_all_channels().await;
    add_device(&platform).await;
    platform.faults().take_down(Dependency::Push);
    let logs = CapturedLogs::begin();
    assert_eq!(try_to_notify(&platform, catalog::UPDATE_SEND, "ok").await, 1);
    assert_eq!(logged(&logs), [("push".to_owned(), "unavailable".to_owned())]);
    let returned = logs.with_message("record failed");
    assert!(returned[0]["failure.internal"].as_str().is_some_and(|cause| cause.starts_with("device ")), "{returned:?}");
}
