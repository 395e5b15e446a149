//! Orders from registration to invoice, and those that are cancelled or rejected.

use super::stack::{
    ApiClient, control_service, eventually, exclusive_stack, id, order_request, shared_stack, unique, var,
};
use adapters::config::Config;
use adapters_kafka::Cluster;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use kernel::Timestamp;
use rskafka::client::partition::UnknownTopicHandling;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";

#[tokio::test]
async fn paid_order_is_confirmed_and_its_stock_is_reserved() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    assert_eq!((placed["status"].as_str(), placed["total_amount"]["amount"].as_i64()), (Some("pending"), Some(3998)));
    let order = api.wait_until_decided(&customer, &placed).await;
    assert_eq!(order["created_at"], placed["created_at"], "the response and the stored order agree");
    assert_eq!(order["status"], "processing", "{order}");
    assert!(order["payment_id"].is_string(), "{order}");
    assert_eq!(api.stock(&lantern).await, (3, 2));
    let shown = format!("/api/v1/products/{}", id(&lantern));
    eventually("the API shows the remaining units", async || {
        (api.get(&shown).send().await.expect(200)["stock_quantity"] == 3).then_some(())
    })
    .await;
    let own = api.get("/api/v1/orders").token(&customer.token).send().await.expect(200);
    assert_eq!(own["items"][0]["id"], placed["id"]);
}

#[tokio::test]
async fn confirmation_email_is_sent_and_the_invoice_is_a_pdf() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.reachable(json!({})).await, api.product(1999, 5).await);
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    let mail = eventually("the confirmation arrives", async || email_to(&api, &customer.email).await).await;
    assert!(mail["text"].as_str().unwrap_or_default().contains("Storm lantern"), "{mail}");
    let path = format!("/api/v1/orders/{}/invoice", id(&placed));
    let invoice = eventually("the invoice exists", async || {
        let response = api.get(&path).token(&customer.token).send().await;
        (response.status == 200).then(|| response.json())
    })
    .await;
    let link = invoice["url"].as_str().expect("a link");
    let bytes = api.http.get(link).send().await.expect("reachable").bytes().await.expect("a body");
    assert!(bytes.starts_with(b"%PDF-"), "{} bytes that are not a PDF", bytes.len());
    let other = api.customer().await;
    api.get(&path).token(&other.token).send().await.problem(404, "not-found");
}

#[tokio::test]
async fn repeated_request_places_one_order_and_gets_an_identical_response() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(500, 5).await);
    let (body, key) = (order_request(&lantern, 1, CARD), unique("key"));
    let request = async || api.post("/api/v1/orders").token(&customer.token).key(&key).json(&body).send().await;
    let (first, second) = (request().await, request().await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.text, second.text);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    let own = api.get("/api/v1/orders").token(&customer.token).send().await.expect(200);
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn fifty_concurrent_requests_with_one_key_place_one_order() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(500, 100).await);
    let (body, key) = (order_request(&lantern, 1, CARD), unique("key"));
    let request = || async { api.post("/api/v1/orders").token(&customer.token).key(&key).json(&body).send().await };
    let responses = futures_util::future::join_all((0..50).map(|_| request())).await;
    let created: Vec<_> =
        responses.iter().filter(|response| response.status == 201).map(|response| &response.text).collect();
    assert!(!created.is_empty() && created.iter().all(|text| *text == created[0]));
    assert!(responses.iter().all(|response| [201, 409].contains(&response.status.as_u16())));
    let own = api.get("/api/v1/orders").token(&customer.token).send().await.expect(200);
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn order_exceeding_stock_is_cancelled_without_a_charge() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 1).await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    let order = api.wait_until_decided(&customer, &placed).await;
    assert_eq!(
        (order["status"].as_str(), order["status_reason"].as_str()),
        (Some("cancelled"), Some("insufficient_stock"))
    );
    assert_eq!((order["payment_id"].is_null(), api.stock(&lantern).await), (true, (1, 0)));
    let charges = api.http.get(format!("{}/_local/charges", var("GATEWAY_URL"))).send().await.expect("reachable");
    assert!(!charges.text().await.expect("a body").contains(id(&placed)), "charged for an order without stock");
}

#[tokio::test]
async fn order_events_are_on_kafka_and_archived_by_date() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    api.wait_until_decided(&customer, &placed).await;
    let order = id(&placed);
    for event in [catalog::ORDER_PLACED, catalog::ORDER_CONFIRMED] {
        let topic = event.topic.name;
        let record = eventually("the event is on its topic", async || on_topic(topic, order, event.name).await).await;
        assert!(!record.contains("Harbour Way"), "the record has an address: {record}");
        eventually("the event is archived", async || archived(topic, order, event.name).await).await;
    }
}

#[tokio::test]
async fn confirmed_order_counts_in_its_five_minute_window() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(777, 5).await, api.staff().await);
    let placed = api.place(&customer, &lantern, 3, CARD).await;
    // The list is in ascending order: if it starts ten minutes ago, the current window is on its first page.
    let from = Timestamp::from_second(Timestamp::now().as_second() - 600).expect("a time");
    let recent = format!("/api/v1/analytics/windows?from={from}&limit=100");
    let window = eventually("the window shows the product", async || {
        let list = api.get(&recent).token(&staff).send().await.expect(200);
        let windows = list["items"].as_array().cloned().unwrap_or_default();
        windows.into_iter().find(|window| window.to_string().contains(id(&lantern)))
    })
    .await;
    let (start, order) = (window["start"].as_str().expect("a start"), api.wait_until_decided(&customer, &placed).await);
    assert!(start <= order["updated_at"].as_str().expect("a time"), "{window}");
    assert!(window["orders"].as_i64() >= Some(1) && window["revenue"]["amount"].as_i64() >= Some(2331), "{window}");
    assert!(window["units"].as_i64() >= Some(3) && window["first_orders"].as_i64() >= Some(1), "{window}");
    assert_eq!((&window["is_complete"], &window["revision"]), (&false.into(), &1.into()), "{window}");
    eventually("the summary has the charge, which is counted by itself", async || {
        let summary = api.get(&format!("/api/v1/analytics/summary?from={from}")).token(&staff).send().await.expect(200);
        let paid: i64 =
            summary["days"].as_array()?.iter().filter_map(|day| day["payments"]["paid"]["count"].as_i64()).sum();
        let regions = summary["regions"].as_array()?.iter().any(|region| region["region"] == "US-CA");
        (paid >= 1 && regions && summary["minutes"][0]["orders"].as_i64() >= Some(1)).then_some(())
    })
    .await;
    let anomalies = api.get(&format!("/api/v1/analytics/anomalies?from={from}")).token(&staff).send().await.expect(200);
    assert_eq!(anomalies["items"], serde_json::json!([]), "there are no weeks to compare with");
    api.get("/api/v1/analytics/windows").token(&customer.token).send().await.problem(403, "forbidden");
    api.get("/api/v1/analytics/anomalies").token(&customer.token).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn customer_sees_only_their_own_orders() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, other_customer, lantern) = (api.customer().await, api.customer().await, api.product(500, 5).await);
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    let path = format!("/api/v1/orders/{}", id(&placed));
    api.get(&path).token(&other_customer.token).send().await.problem(404, "not-found");
    let staff = api.staff().await;
    assert_eq!(api.get(&path).token(&staff).send().await.expect(200)["user_id"], customer.id.as_str());
    let none = api.get("/api/v1/orders").token(&other_customer.token).send().await.expect(200);
    assert_eq!(none["items"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn products_and_orders_work_while_redis_is_down() {
    let (_stack, api) = (exclusive_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    control_service("stop", "redis").await;
    let read = api.get(&format!("/api/v1/products/{}", id(&lantern))).send().await;
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    let order = api.wait_until_decided(&customer, &placed).await;
    let ready = api.get("/ready").send().await;
    control_service("start", "redis").await;
    assert_eq!(read.expect(200)["sku"], lantern["sku"]);
    assert_eq!(order["status"], "processing");
    assert_eq!(ready.expect(200)["status"], "degraded");
}

/// An e-mail about an order to an address.
async fn email_to(api: &ApiClient, email: &str) -> Option<Value> {
    let emails: Vec<Value> = api.http.get(var("MAILBOX_URL")).send().await.ok()?.json().await.ok()?;
    let about_order = |mail: &Value| mail["subject"].to_string().contains("order");
    emails.into_iter().find(|mail| mail["to"].to_string().contains(email) && about_order(mail))
}

/// The Kafka record of an order's event, in any partition of a topic.
pub(super) async fn on_topic(topic: &str, order: &str, event: &str) -> Option<String> {
    let client = Cluster::from_config(&Config::from_env()).ok()?.connect().await.ok()?;
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

/// `Some` if an object of the archive under today's or yesterday's date holds an order's event.
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
async fn staff_can_message_a_customer_and_list_the_notifications_of_an_order() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.reachable(json!({})).await;
    let (staff, lantern) = (api.staff().await, api.product(1999, 5).await);
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    api.wait_until_decided(&customer, &placed).await;
    let data = json!({"subject": "Your lantern", "text": "It is packed.\nSee you.", "order_id": placed["id"]});
    let body = json!({"user_id": customer.id, "channel": "email", "template": "message", "data": data});
    let (key, path) = (unique("key"), "/api/v1/notifications/send");
    api.post(path).token(&customer.token).key(&key).json(&body).send().await.problem(403, "forbidden");
    let first = api.post(path).token(&staff).key(&key).json(&body).send().await.expect(202);
    assert_eq!(api.post(path).token(&staff).key(&key).json(&body).send().await.expect(202), first);
    let list = format!("/api/v1/notifications?order_id={}", id(&placed));
    let log = eventually("both e-mails are in the log", async || {
        let list = api.get(&list).token(&staff).send().await.expect(200);
        let items = list["items"].as_array().cloned().unwrap_or_default();
        (items.len() == 2).then_some(items)
    })
    .await;
    assert_eq!((&log[0]["template"], &log[1]["template"]), (&json!("order_confirmed"), &json!("message")));
    assert_eq!((&log[1]["id"], &log[1]["status"]), (&first["id"], &json!("sent")));
    let emails: Vec<Value> =
        api.http.get(var("MAILBOX_URL")).send().await.expect("reachable").json().await.expect("a list");
    let emails = emails.iter().filter(|mail| mail["to"].to_string().contains(&customer.email));
    assert_eq!(emails.filter(|mail| mail["subject"] == "Your lantern").count(), 1, "sent once");
}
