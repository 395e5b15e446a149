//! One order, whole: from registration to invoice, and the two that come to nothing.

use super::stack::{ApiClient, alone, eventually, id, order_for, part, unique, var, whole};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use kernel::Timestamp;
use rskafka::client::{ClientBuilder, partition::UnknownTopicHandling};
use serde_json::{Value, json};

const TEST: &str = "pm_card_visa";

#[tokio::test]
async fn a_paid_order_is_confirmed_and_its_stock_is_held() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 5).await);
    let placed = shop.place(&ada, &lantern, 2, TEST).await;
    assert_eq!((placed["status"].as_str(), placed["total_amount"]["amount"].as_i64()), (Some("pending"), Some(3998)));
    let order = shop.settled(&ada, &placed).await;
    assert_eq!(order["created_at"], placed["created_at"], "the answer and the record agree");
    assert_eq!(order["status"], "processing", "{order}");
    assert!(order["payment_id"].is_string(), "{order}");
    assert_eq!(shop.stock(&lantern).await, (3, 2));
    let shown = format!("/api/v1/products/{}", id(&lantern));
    eventually("the shop window shows what is left", async || {
        (shop.get(&shown).send().await.expect(200)["stock_quantity"] == 3).then_some(())
    })
    .await;
    let own = shop.get("/api/v1/orders").token(&ada.token).send().await.expect(200);
    assert_eq!(own["items"][0]["id"], placed["id"]);
}

#[tokio::test]
async fn the_customer_is_written_to_and_the_invoice_is_a_pdf() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 5).await);
    let placed = shop.place(&ada, &lantern, 1, TEST).await;
    let mail = eventually("the confirmation arrives", async || letter_to(&shop, &ada.email).await).await;
    assert!(mail["text"].as_str().unwrap_or_default().contains("Storm lantern"), "{mail}");
    let path = format!("/api/v1/orders/{}/invoice", id(&placed));
    let invoice = eventually("the invoice is there", async || {
        let answer = shop.get(&path).token(&ada.token).send().await;
        (answer.status == 200).then(|| answer.json())
    })
    .await;
    let link = invoice["url"].as_str().expect("a link");
    let bytes = shop.http.get(link).send().await.expect("reachable").bytes().await.expect("a body");
    assert!(bytes.starts_with(b"%PDF-"), "{} bytes that are no PDF", bytes.len());
    let other = shop.customer().await;
    shop.get(&path).token(&other.token).send().await.problem(404, "not-found");
}

#[tokio::test]
async fn the_same_request_twice_is_one_order_and_the_same_answer_byte_for_byte() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(500, 5).await);
    let (body, key) = (order_for(&lantern, 1, TEST), unique("key"));
    let ask = async || shop.post("/api/v1/orders").token(&ada.token).key(&key).json(&body).send().await;
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.text, second.text);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    let own = shop.get("/api/v1/orders").token(&ada.token).send().await.expect(200);
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_same_key_fifty_times_at_once_is_one_order() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(500, 100).await);
    let (body, key) = (order_for(&lantern, 1, TEST), unique("key"));
    let ask = || async { shop.post("/api/v1/orders").token(&ada.token).key(&key).json(&body).send().await };
    let answers = futures_util::future::join_all((0..50).map(|_| ask())).await;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).map(|answer| &answer.text).collect();
    assert!(!created.is_empty() && created.iter().all(|text| *text == created[0]));
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())));
    let own = shop.get("/api/v1/orders").token(&ada.token).send().await.expect(200);
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_order_for_more_than_there_is_is_cancelled_and_nothing_is_charged() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 1).await);
    let placed = shop.place(&ada, &lantern, 2, TEST).await;
    let order = shop.settled(&ada, &placed).await;
    assert_eq!(
        (order["status"].as_str(), order["status_reason"].as_str()),
        (Some("cancelled"), Some("insufficient_stock"))
    );
    assert_eq!((order["payment_id"].is_null(), shop.stock(&lantern).await), (true, (1, 0)));
    let charges = shop.http.get(format!("{}/_local/charges", var("GATEWAY_URL"))).send().await.expect("reachable");
    assert!(!charges.text().await.expect("a body").contains(id(&placed)), "charged for an order without stock");
}

#[tokio::test]
async fn the_events_of_an_order_are_on_kafka_and_archived_under_their_date() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 5).await);
    let placed = shop.place(&ada, &lantern, 1, TEST).await;
    shop.settled(&ada, &placed).await;
    let order = id(&placed);
    for event in [catalog::ORDER_PLACED, catalog::ORDER_CONFIRMED] {
        let topic = event.topic.name;
        let record = eventually("the event is on its topic", async || on_topic(topic, order, event.name).await).await;
        assert!(!record.contains("Harbour Way"), "an address went to the log: {record}");
        eventually("the event is archived", async || archived(topic, order, event.name).await).await;
    }
}

#[tokio::test]
async fn a_confirmed_order_counts_in_its_window_of_five_minutes() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern, staff) = (shop.customer().await, shop.product(777, 5).await, shop.staff().await);
    let placed = shop.place(&ada, &lantern, 3, TEST).await;
    // The list begins with the oldest: from ten minutes ago it has the window of now on its first page.
    let from = Timestamp::from_second(Timestamp::now().as_second() - 600).expect("a time");
    let recent = format!("/api/v1/analytics/windows?from={from}&limit=100");
    let window = eventually("the window shows the product", async || {
        let list = shop.get(&recent).token(&staff).send().await.expect(200);
        let windows = list["items"].as_array().cloned().unwrap_or_default();
        windows.into_iter().find(|window| window.to_string().contains(id(&lantern)))
    })
    .await;
    let (start, order) = (window["start"].as_str().expect("a start"), shop.settled(&ada, &placed).await);
    assert!(start <= order["updated_at"].as_str().expect("a time"), "{window}");
    assert!(window["orders"].as_i64() >= Some(1) && window["revenue"]["amount"].as_i64() >= Some(2331), "{window}");
    shop.get("/api/v1/analytics/windows").token(&ada.token).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_customer_sees_their_own_orders_and_nobody_elses() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, eve, lantern) = (shop.customer().await, shop.customer().await, shop.product(500, 5).await);
    let placed = shop.place(&ada, &lantern, 1, TEST).await;
    let path = format!("/api/v1/orders/{}", id(&placed));
    shop.get(&path).token(&eve.token).send().await.problem(404, "not-found");
    let staff = shop.staff().await;
    assert_eq!(shop.get(&path).token(&staff).send().await.expect(200)["user_id"], ada.id.as_str());
    let none = shop.get("/api/v1/orders").token(&eve.token).send().await.expect(200);
    assert_eq!(none["items"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn a_product_is_read_and_orders_go_through_while_redis_is_down() {
    let (_stack, shop) = (alone().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 5).await);
    part("stop", "redis").await;
    let read = shop.get(&format!("/api/v1/products/{}", id(&lantern))).send().await;
    let placed = shop.place(&ada, &lantern, 1, TEST).await;
    let order = shop.settled(&ada, &placed).await;
    let ready = shop.get("/ready").send().await;
    part("start", "redis").await;
    assert_eq!(read.expect(200)["sku"], lantern["sku"]);
    assert_eq!(order["status"], "processing");
    assert_eq!(ready.expect(200)["status"], "degraded");
}

/// The last letter to an address.
async fn letter_to(shop: &ApiClient, email: &str) -> Option<Value> {
    let mails: Vec<Value> = shop.http.get(var("MAILBOX_URL")).send().await.ok()?.json().await.ok()?;
    mails.into_iter().find(|mail| mail["to"].to_string().contains(email))
}

/// The record of an order's event on a topic, in any partition.
pub(super) async fn on_topic(topic: &str, order: &str, event: &str) -> Option<String> {
    let client = ClientBuilder::new(vec![var("KAFKA_BROKERS")]).build().await.ok()?;
    let count = catalog::KAFKA_TOPICS.iter().find(|row| row.name == topic)?.partitions;
    for partition in 0..count {
        let partition = client.partition_client(topic, partition, UnknownTopicHandling::Error).await.ok()?;
        let mut offset = 0;
        loop {
            let (records, end) = partition.fetch_records(offset, 1..1_000_000, 200).await.ok()?;
            let texts = records.iter().filter_map(|record| record.record.value.clone());
            let mut texts = texts.filter_map(|bytes| String::from_utf8(bytes).ok());
            if let Some(text) = texts.find(|text| text.contains(order) && text.contains(event)) {
                return Some(text);
            }
            offset = records.last().map_or(end, |record| record.offset + 1);
            if records.is_empty() || offset >= end {
                break;
            }
        }
    }
    None
}

/// Whether an order's event is in an object of the archive under today's or yesterday's date.
async fn archived(topic: &str, order: &str, event: &str) -> Option<()> {
    let keys = Credentials::new(var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"), None, None, "stack");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(var("AWS_REGION")))
        .endpoint_url(var("AWS_ENDPOINT_URL"))
        .force_path_style(true)
        .credentials_provider(keys)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    let buckets = s3.list_buckets().send().await.ok()?;
    let bucket = buckets
        .buckets()
        .iter()
        .filter_map(|bucket| bucket.name())
        .find(|name| name.contains(catalog::ARCHIVE.name))?;
    let now = kernel::Timestamp::now();
    for seconds in [0, 24 * 3600] {
        let day = kernel::Timestamp::from_second(now.as_second() - seconds).ok()?.strftime("%Y/%m/%d").to_string();
        let mut pages = s3.list_objects_v2().bucket(bucket).prefix(format!("{topic}/{day}/")).into_paginator().send();
        while let Some(Ok(page)) = pages.next().await {
            for key in page.contents().iter().filter_map(|object| object.key()) {
                let object = s3.get_object().bucket(bucket).key(key).send().await.ok()?;
                let bytes = object.body.collect().await.ok()?.into_bytes();
                let text = String::from_utf8_lossy(&bytes);
                if text.lines().any(|line| line.contains(order) && line.contains(event)) {
                    return Some(());
                }
            }
        }
    }
    None
}

#[tokio::test]
async fn staff_writes_to_a_customer_and_sees_what_was_told_about_the_order() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, staff, lantern) = (shop.customer().await, shop.staff().await, shop.product(1999, 5).await);
    let placed = shop.place(&ada, &lantern, 1, TEST).await;
    shop.settled(&ada, &placed).await;
    let data = json!({"subject": "Your lantern", "text": "It is packed.\nSee you.", "order_id": placed["id"]});
    let body = json!({"user_id": ada.id, "channel": "email", "template": "message", "data": data});
    let (key, path) = (unique("key"), "/api/v1/notifications/send");
    shop.post(path).token(&ada.token).key(&key).json(&body).send().await.problem(403, "forbidden");
    let first = shop.post(path).token(&staff).key(&key).json(&body).send().await.expect(202);
    assert_eq!(shop.post(path).token(&staff).key(&key).json(&body).send().await.expect(202), first);
    let list = format!("/api/v1/notifications?order_id={}", id(&placed));
    let log = eventually("both letters are in the log", async || {
        let list = shop.get(&list).token(&staff).send().await.expect(200);
        let items = list["items"].as_array().cloned().unwrap_or_default();
        (items.len() == 2).then_some(items)
    })
    .await;
    assert_eq!((&log[0]["template"], &log[1]["template"]), (&json!("order_confirmed"), &json!("message")));
    assert_eq!((&log[1]["id"], &log[1]["status"]), (&first["id"], &json!("sent")));
    let mails: Vec<Value> =
        shop.http.get(var("MAILBOX_URL")).send().await.expect("reachable").json().await.expect("a list");
    let hers = mails.iter().filter(|mail| mail["to"].to_string().contains(&ada.email));
    assert_eq!(hers.filter(|mail| mail["subject"] == "Your lantern").count(), 1, "sent once");
}
