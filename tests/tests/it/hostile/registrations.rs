//! Accounts by the hundred: registrations are counted by source, whether or not they succeed.

use super::routes::{Answer, Api};
use crate::functions::sample;
use catalog::USER_REGISTER;
use domain::login_throttle::REGISTRATIONS_PER_SOURCE;
use edge::http::{ORIGIN_SECRET, VIEWER_ADDRESS};
use serde_json::{Value, json};

fn request(name: &str, source: &str) -> Value {
    let email = format!("{name}@example.com");
    let mut event =
        sample(USER_REGISTER, &format!("set /body/email = {}; set /body/username = {}", json!(email), json!(name)));
    event["requestContext"]["http"]["sourceIp"] = source.into();
    event
}

async fn register(api: &Api, name: &str, source: &str) -> Answer {
    api.send(USER_REGISTER, request(name, source)).await
}

const SPAMMER: &str = "198.51.100.66";

#[tokio::test]
async fn registrations_of_one_source_are_429_above_the_limit_and_others_are_not() {
    let api = Api::new();
    let is_registered = |name: &str| api.platform.users().all().iter().any(|user| user.username.as_str() == name);
    for number in 0..REGISTRATIONS_PER_SOURCE {
        assert_eq!(register(&api, &format!("user{number}"), SPAMMER).await.status, 201);
    }
    let refused = register(&api, "another", SPAMMER).await;
    assert_eq!((refused.status, refused.code()), (429, "too-many-registrations"));
    assert_eq!(refused.headers["retry-after"], json!((3_600 / REGISTRATIONS_PER_SOURCE).to_string()));
    assert!(!is_registered("another"));
    assert_eq!(register(&api, "another", "203.0.113.7").await.status, 201);
    assert!(is_registered("another"));
}

#[tokio::test]
async fn taken_addresses_count_so_that_accounts_cannot_be_enumerated() {
    let api = Api::new();
    assert_eq!(register(&api, "ada-lovelace", "203.0.113.7").await.status, 201);
    for _ in 0..REGISTRATIONS_PER_SOURCE {
        assert_eq!(register(&api, "ada-lovelace", SPAMMER).await.status, 409);
    }
    assert_eq!(register(&api, "ada-lovelace", SPAMMER).await.status, 429);
}

#[tokio::test]
async fn invalid_registrations_cost_nothing() {
    let api = Api::new();
    for _ in 0..=REGISTRATIONS_PER_SOURCE {
        let mut event = request("somebody", SPAMMER);
        event["body"] = json!("{}");
        assert_eq!(api.send(USER_REGISTER, event).await.status, 422);
    }
    assert_eq!(register(&api, "somebody", SPAMMER).await.status, 201);
}

#[tokio::test]
async fn addresses_of_one_ipv6_network_share_the_limit_of_registrations() {
    let api = Api::new();
    for number in 0..REGISTRATIONS_PER_SOURCE {
        assert_eq!(register(&api, &format!("user{number}"), &format!("2001:db8:1:2::{number:x}")).await.status, 201);
    }
    assert_eq!(register(&api, "another", "2001:db8:1:2:ffff::1").await.status, 429);
    assert_eq!(register(&api, "another", "2001:db8:1:3::1").await.status, 201);
}

#[tokio::test]
async fn forged_viewer_address_opens_no_new_budget_of_registrations() {
    let api = Api::new();
    let through = async |number: u32, secret: &str| {
        let mut event = request(&format!("user{number}"), SPAMMER);
        event["headers"][VIEWER_ADDRESS] = format!("203.0.113.{number}").into();
        event["headers"][ORIGIN_SECRET] = secret.into();
        api.send(USER_REGISTER, event).await.status
    };
    for number in 0..REGISTRATIONS_PER_SOURCE {
        assert_eq!(through(number, "guessed").await, 201);
    }
    assert_eq!(through(100, "guessed").await, 429);
    assert_eq!(through(100, testkit::ORIGIN_SECRET).await, 201, "a viewer behind the same edge");
}
