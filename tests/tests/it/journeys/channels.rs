//! Customers are told by the channels that they chose, in their language, and no more by mail that comes back.

use super::stack::{ApiClient, Person, eventually, id, unique, var, whole};
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";

/// A number that nobody else has.
fn a_number() -> String {
    format!("+499{:011}", kernel::Uuid::now_v7().as_u128() % 100_000_000_000)
}

async fn prefer(shop: &ApiClient, who: &Person, channels: &[&str], locale: &str) {
    let path = format!("/api/v1/users/{}/preferences", who.id);
    let wish = json!({"channels": channels, "locale": locale});
    assert_eq!(shop.ask(Method::PUT, &path).token(&who.token).json(&wish).send().await.expect(200), wish);
    assert_eq!(shop.get(&path).token(&who.token).send().await.expect(200), wish);
}

/// The log of an order: channel, template and what became of it.
async fn log(shop: &ApiClient, staff: &str, order: &Value) -> Vec<[String; 3]> {
    let path = format!("/api/v1/notifications?order_id={}", id(order));
    let page = shop.get(&path).token(staff).send().await.expect(200);
    let entries = page["items"].as_array().expect("a list").iter();
    let mut log: Vec<_> = entries
        .map(|one| ["channel", "template", "status"].map(|name| one[name].as_str().unwrap_or_default().to_owned()))
        .collect();
    log.sort();
    log
}

async fn logged(shop: &ApiClient, staff: &str, order: &Value, expected: &[[&str; 3]]) {
    let expected: Vec<_> = expected.iter().map(|entry| entry.map(str::to_owned)).collect();
    eventually("the log says so", async || (log(shop, staff, order).await == expected).then_some(())).await;
}

/// What the emulator keeps of text messages to a number.
async fn texts(shop: &ApiClient, number: &str) -> Vec<String> {
    let url = format!("{}/_ministack/sns/sms-messages", var("AWS_ENDPOINT_URL"));
    let told: Value = shop.http.get(url).send().await.expect("it answers").json().await.expect("JSON");
    let texts = told["sms_messages"][number].as_array().cloned().unwrap_or_default();
    texts.iter().map(|one| one["Message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The subjects of all mail to an address.
async fn subjects(shop: &ApiClient, email: &str) -> Vec<String> {
    let mails: Vec<Value> =
        shop.http.get(var("MAILBOX_URL")).send().await.expect("the mailbox").json().await.expect("JSON");
    let mine = mails.iter().filter(|mail| mail["to"][0] == email);
    mine.map(|mail| mail["subject"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_customer_is_told_by_every_channel_they_chose_in_their_language() {
    let (_stack, shop, number) = (whole().await, ApiClient::open(), a_number());
    let (ada, bob) = (shop.customer_with(json!({"phone": number})).await, shop.customer().await);
    let (staff, lantern) = (shop.staff().await, shop.product(1999, 8).await);
    prefer(&shop, &ada, &["email", "sms", "push"], "de").await;
    let devices = format!("/api/v1/users/{}/devices", ada.id);
    let device = json!({"token": unique("token")});
    let first = shop.post(&devices).token(&ada.token).json(&device).send().await.expect(201);
    let again = shop.post(&devices).token(&ada.token).json(&device).send().await.expect(201);
    assert_eq!(first, again, "one device, however often its app says so");
    shop.post(&devices).token(&bob.token).json(&device).send().await.problem(404, "not-found");

    let order = shop.place(&ada, &lantern, 1, CARD).await;
    shop.settled(&ada, &order).await;
    let sent = |channel| [channel, "order_confirmed", "sent"];
    logged(&shop, &staff, &order, &[sent("email"), sent("push"), sent("sms")]).await;
    let told = texts(&shop, &number).await;
    assert!(matches!(&told[..], [one] if one.contains("ist bestätigt") && one.contains("19,99 USD")), "{told:?}");
    let mails = subjects(&shop, &ada.email).await;
    assert!(matches!(&mails[..], [one] if one.starts_with("Ihre Bestellung")), "{mails:?}");

    // Who never said anything gets mail in English, and nothing else.
    let order = shop.place(&bob, &lantern, 1, CARD).await;
    shop.settled(&bob, &order).await;
    logged(&shop, &staff, &order, &[sent("email")]).await;
    let mails = subjects(&shop, &bob.email).await;
    assert!(matches!(&mails[..], [one] if one.starts_with("Your order")), "{mails:?}");

    // Without the device, there is nobody to show a notice to, and the log says so.
    let path = format!("{devices}/{}", id(&first));
    assert_eq!(shop.ask(Method::DELETE, &path).token(&ada.token).send().await.status, 204);
    let order = shop.place(&ada, &lantern, 1, CARD).await;
    shop.settled(&ada, &order).await;
    logged(&shop, &staff, &order, &[sent("email"), ["push", "order_confirmed", "no_address"], sent("sms")]).await;
}

/// Tells, as mail does, that a letter to this address came back for good.
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
    let told = client.publish().topic_arn(topic.expect("the topic is there")).message(notice.to_string());
    told.send().await.expect("it is told");
}

#[tokio::test]
async fn an_address_that_mail_came_back_from_gets_no_more_and_staff_is_told_so() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, staff, lantern) = (shop.customer().await, shop.staff().await, shop.product(1999, 8).await);
    let first = shop.place(&ada, &lantern, 1, CARD).await;
    shop.settled(&ada, &first).await;
    logged(&shop, &staff, &first, &[["email", "order_confirmed", "sent"]]).await;
    bounce(&ada.email).await;
    let body = json!({
        "user_id": ada.id, "channel": "email", "template": "message",
        "data": {"subject": "Your lantern", "text": "It is here.", "order_id": id(&first)},
    });
    let refused = eventually("staff may not write there any more", async || {
        let ask = shop.post("/api/v1/notifications/send").token(&staff).key(&unique("key")).json(&body);
        let answer = ask.send().await;
        (answer.status == 422).then_some(answer)
    })
    .await;
    assert_eq!(refused.problem(422, "validation")["errors"][0]["pointer"], "/channel");
    let second = shop.place(&ada, &lantern, 1, CARD).await;
    shop.settled(&ada, &second).await;
    logged(&shop, &staff, &second, &[["email", "order_confirmed", "suppressed"]]).await;
}
