//! Notifications on the chosen channels, in the chosen language, and the suppression of addresses that bounce.

use super::stack::{ApiClient, User, eventually, id, shared_stack, token_in, unique, var};
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";

/// A phone number that no other test run uses.
pub(super) fn a_number() -> String {
    format!("+499{:011}", kernel::Uuid::now_v7().as_u128() % 100_000_000_000)
}

async fn set_preferences(api: &ApiClient, who: &User, channels: &[&str], locale: &str) {
    let path = format!("/api/v1/users/{}/preferences", who.id);
    let preferences = json!({"channels": channels, "locale": locale});
    assert_eq!(
        api.request(Method::PUT, &path).token(&who.token).json(&preferences).send().await.expect(200),
        preferences
    );
    assert_eq!(api.get(&path).token(&who.token).send().await.expect(200), preferences);
}

/// The delivery log of an order: channel, template and status.
async fn log(api: &ApiClient, staff: &str, order: &Value) -> Vec<[String; 3]> {
    let path = format!("/api/v1/notifications?order_id={}", id(order));
    let page = api.get(&path).token(staff).send().await.expect(200);
    let entries = page["items"].as_array().expect("a list").iter();
    let mut log: Vec<_> = entries
        .map(|one| ["channel", "template", "status"].map(|name| one[name].as_str().unwrap_or_default().to_owned()))
        .collect();
    log.sort();
    log
}

async fn expect_log(api: &ApiClient, staff: &str, order: &Value, expected: &[[&str; 3]]) {
    let expected: Vec<_> = expected.iter().map(|entry| entry.map(str::to_owned)).collect();
    eventually("the log has the entries", async || (log(api, staff, order).await == expected).then_some(())).await;
}

/// The subjects of all e-mails to an address, except those with a token.
async fn subjects(api: &ApiClient, email: &str) -> Vec<String> {
    let emails: Vec<Value> =
        api.http.get(var("MAILBOX_URL")).send().await.expect("the mailbox").json().await.expect("JSON");
    let mine = emails.iter().filter(|mail| mail["to"][0] == email);
    let about_orders = mine.filter(|mail| token_in(mail["text"].as_str().unwrap_or_default()).is_none());
    about_orders.map(|mail| mail["subject"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn customer_is_notified_on_every_chosen_channel_in_their_language() {
    let (_stack, api, number) = (shared_stack().await, ApiClient::new(), a_number());
    let (customer, other_customer) = (api.reachable(json!({"phone": number})).await, api.reachable(json!({})).await);
    let (staff, lantern) = (api.staff().await, api.product(1999, 8).await);
    set_preferences(&api, &customer, &["email", "sms", "push"], "de").await;
    let devices = format!("/api/v1/users/{}/devices", customer.id);
    let device = json!({"token": unique("token")});
    let first = api.post(&devices).token(&customer.token).json(&device).send().await.expect(201);
    let again = api.post(&devices).token(&customer.token).json(&device).send().await.expect(201);
    assert_eq!(first, again, "registering a token twice adds one device");
    api.post(&devices).token(&other_customer.token).json(&device).send().await.problem(404, "not-found");

    let order = api.place(&customer, &lantern, 1, CARD).await;
    api.wait_until_decided(&customer, &order).await;
    let sent = |channel| [channel, "order_confirmed", "sent"];
    expect_log(&api, &staff, &order, &[sent("email"), sent("push"), sent("sms")]).await;
    let received = api.texts_to(&number).await;
    assert!(
        matches!(&received[..], [_, one] if one.contains("ist bestätigt") && one.contains("19,99 USD")),
        "{received:?}"
    );
    let emails = subjects(&api, &customer.email).await;
    assert!(matches!(&emails[..], [one] if one.starts_with("Ihre Bestellung")), "{emails:?}");

    // Without preferences, a customer gets e-mail in English.
    let order = api.place(&other_customer, &lantern, 1, CARD).await;
    api.wait_until_decided(&other_customer, &order).await;
    expect_log(&api, &staff, &order, &[sent("email")]).await;
    let emails = subjects(&api, &other_customer.email).await;
    assert!(matches!(&emails[..], [one] if one.starts_with("Your order")), "{emails:?}");

    // Without a device, the log says that the channel has no address.
    let path = format!("{devices}/{}", id(&first));
    assert_eq!(api.request(Method::DELETE, &path).token(&customer.token).send().await.status, 204);
    let order = api.place(&customer, &lantern, 1, CARD).await;
    api.wait_until_decided(&customer, &order).await;
    expect_log(&api, &staff, &order, &[sent("email"), ["push", "order_confirmed", "no_address"], sent("sms")]).await;
}

#[tokio::test]
async fn unverified_address_gets_no_order_notifications_and_the_log_says_so() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, staff, lantern) = (api.customer().await, api.staff().await, api.product(1999, 8).await);
    let order = api.place(&customer, &lantern, 1, CARD).await;
    api.wait_until_decided(&customer, &order).await;
    expect_log(&api, &staff, &order, &[["email", "order_confirmed", "unverified"]]).await;
    assert_eq!(subjects(&api, &customer.email).await, [""; 0]);
    let wrong = json!({"token": "00000-00000-00000-00000"});
    let refused = api.post("/api/v1/users/verify").json(&wrong).send().await.problem(422, "validation");
    assert_eq!(refused["errors"][0]["pointer"], "/token");
}

/// Publishes what SES reports when an e-mail to this address bounces permanently.
async fn bounce(email: &str) {
    let credentials =
        Credentials::new(var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"), None, None, "environment");
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(var("AWS_REGION")))
        .credentials_provider(credentials)
        .endpoint_url(var("AWS_ENDPOINT_URL"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let client = aws_sdk_sns::Client::from_conf(config.build());
    let topics = client.list_topics().into_paginator().items().send();
    let topics = topics.collect::<Result<Vec<_>, _>>().await.expect("the topics");
    let suffix = format!("-{}", catalog::EMAIL_FEEDBACK.name);
    let topic = topics.into_iter().filter_map(|topic| topic.topic_arn).find(|arn| arn.ends_with(&suffix));
    let notice = json!({
        "eventType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": email}]},
        "mail": {"tags": {}},
    });
    let received = client.publish().topic_arn(topic.expect("a topic")).message(notice.to_string());
    received.send().await.expect("published");
}

#[tokio::test]
async fn bounced_address_gets_no_more_email_and_staff_sees_why() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, staff, lantern) = (api.reachable(json!({})).await, api.staff().await, api.product(1999, 8).await);
    let first = api.place(&customer, &lantern, 1, CARD).await;
    api.wait_until_decided(&customer, &first).await;
    expect_log(&api, &staff, &first, &[["email", "order_confirmed", "sent"]]).await;
    bounce(&customer.email).await;
    let body = json!({
        "user_id": customer.id, "channel": "email", "template": "message",
        "data": {"subject": "Your lantern", "text": "It is here.", "order_id": id(&first)},
    });
    let refused = eventually("staff cannot send to the address", async || {
        let request = api.post("/api/v1/notifications/send").token(&staff).key(&unique("key")).json(&body);
        let response = request.send().await;
        (response.status == 422).then_some(response)
    })
    .await;
    assert_eq!(refused.problem(422, "validation")["errors"][0]["pointer"], "/channel");
    let second = api.place(&customer, &lantern, 1, CARD).await;
    api.wait_until_decided(&customer, &second).await;
    expect_log(&api, &staff, &second, &[["email", "order_confirmed", "suppressed"]]).await;
}
