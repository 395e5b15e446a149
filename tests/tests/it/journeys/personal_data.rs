//! What is held about a person is exported, and erased: a search of every store finds the person only where the catalog says so.

use super::stack::{ApiClient, User, count_of_user, eventually, id, order_request, shared_stack, unique, var};
use adapters::config::Config;
use adapters_kafka::Cluster;
use catalog::{Personal, STORES, StoreKind};
use reqwest::Method;
use rskafka::client::partition::{OffsetAt, UnknownTopicHandling};
use rskafka::record::Record;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const PASSWORD: &str = "correct horse battery staple";

/// Where something was found: the kind of store and its name in the catalog.
type Found = BTreeSet<(StoreKind, String)>;

/// The configuration of a service's client.
macro_rules! client {
    ($service:ident) => {{
        use $service::config::{BehaviorVersion, Credentials, Region};
        let credentials =
            Credentials::new(var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"), None, None, "environment");
        $service::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(var("AWS_REGION")))
            .credentials_provider(credentials)
            .endpoint_url(var("AWS_ENDPOINT_URL"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
    }};
}

/// A customer in each of whose texts `mark` is.
async fn marked(api: &ApiClient, mark: &str) -> User {
    let address = json!({
        "name": format!("{mark} name"), "line1": format!("{mark} line1"), "line2": format!("{mark} line2"), "city": mark,
        "region": mark, "postal_code": "94607", "country": "US",
    });
    let body = json!({
        "email": format!("{mark}@example.com"), "username": mark, "password": PASSWORD, "full_name": format!("Ada {mark}"),
        "address": address,
    });
    let user = api.post("/api/v1/users/register").json(&body).send().await.expect(201);
    let email = format!("{mark}@example.com");
    let token = api.login(&email, PASSWORD).await;
    User { id: id(&user).to_owned(), email, token }
}

/// Places an order to an address with the mark.
async fn order(api: &ApiClient, user: &User, product: &Value, mark: &str) -> Value {
    let mut body = order_request(product, 1, "pm_card_visa");
    for (member, text) in [("name", "name"), ("line1", "street"), ("line2", "floor"), ("city", "city")] {
        body["shipping_address"][member] = json!(format!("{mark} {text}"));
    }
    let request = api.post("/api/v1/orders").token(&user.token).key(&unique("key")).json(&body);
    let placed = request.send().await.expect(201);
    api.wait_until_decided(user, &placed).await
}

async fn tables(mark: &str, found: &mut Found) {
    let (client, connection) =
        tokio_postgres::connect(&var("DATABASE_URL"), tokio_postgres::NoTls).await.expect("connected");
    tokio::spawn(connection);
    let tables = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    for row in client.query(tables, &[]).await.expect("the tables") {
        let table: String = row.get(0);
        let sql = format!("SELECT EXISTS (SELECT FROM {table} AS t WHERE strpos(t::text, $1) > 0)");
        if client.query_one(&sql, &[&mark]).await.expect("a response").get(0) {
            found.insert((StoreKind::PostgresTable, table));
        }
    }
}

async fn dynamodb(mark: &str, found: &mut Found) {
    let client = aws_sdk_dynamodb::Client::from_conf(client!(aws_sdk_dynamodb).build());
    let mut seen = 0;
    for table in catalog::TABLES {
        let tables = client.list_tables().send().await.expect("tables");
        for name in tables.table_names().iter().filter(|name| name.ends_with(&format!("-{}", table.name))) {
            let mut pages = client.scan().table_name(name).into_paginator().items().send();
            while let Some(item) = pages.next().await {
                let item = item.expect("an item");
                seen += 1;
                let key = item[table.key].as_s().expect("a key").split('#').next().unwrap_or_default();
                if format!("{item:?}").contains(mark) {
                    found.insert((StoreKind::DynamoKeys, format!("{}/{key}#", table.name)));
                }
            }
        }
    }
    assert!(seen > 0, "the product of the test is found");
}

async fn buckets(mark: &str, found: &mut Found) {
    let client = aws_sdk_s3::Client::from_conf(client!(aws_sdk_s3).force_path_style(true).build());
    let buckets = client.list_buckets().send().await.expect("buckets");
    let mut seen = 0;
    for bucket in buckets.buckets().iter().filter_map(|bucket| bucket.name()) {
        let Some(known) = catalog::BUCKETS.iter().find(|known| bucket.contains(known.name)) else { continue };
        let mut pages = client.list_objects_v2().bucket(bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            for key in page.expect("a page").contents().iter().filter_map(|object| object.key()) {
                let object = client.get_object().bucket(bucket).key(key).send().await.expect("an object");
                let bytes = object.body.collect().await.expect("its bytes").into_bytes();
                seen += 1;
                if key.contains(mark) || bytes.windows(mark.len()).any(|part| part == mark.as_bytes()) {
                    found.insert((StoreKind::Bucket, known.name.to_owned()));
                }
            }
        }
    }
    assert!(seen > 0, "the invoice of the order is found");
}

/// The records of the event log with their topics, those of a key in order.
async fn logged() -> Vec<(&'static str, Record)> {
    let cluster = Cluster::from_config(&Config::from_env()).expect("the brokers");
    let client = cluster.connect().await.expect("connected");
    let mut logged = Vec::new();
    for topic in catalog::KAFKA_TOPICS {
        for number in 0..topic.partitions {
            let partition = client.partition_client(topic.name, number, UnknownTopicHandling::Retry).await;
            let partition = partition.expect("a partition");
            let mut next = partition.get_offset(OffsetAt::Earliest).await.expect("its beginning");
            while next < partition.get_offset(OffsetAt::Latest).await.expect("its end") {
                let (records, _) = partition.fetch_records(next, 1..1_000_000, 1_000).await.expect("records");
                for got in records {
                    next = got.offset + 1;
                    logged.push((topic.name, got.record));
                }
            }
        }
    }
    assert!(!logged.is_empty(), "the event log has records");
    logged
}

async fn topics(mark: &str, found: &mut Found) {
    for (topic, record) in logged().await {
        if String::from_utf8_lossy(&record.value.unwrap_or_default()).contains(mark) {
            found.insert((StoreKind::KafkaTopic, topic.to_owned()));
        }
    }
}

/// Whether a tombstone follows the records of the user.
async fn has_tombstone(user: &str) -> bool {
    let of_user = |(topic, record): &(&str, Record)| {
        *topic == catalog::USER_EVENTS.name && record.key.as_deref() == Some(user.as_bytes())
    };
    logged().await.iter().rfind(|logged| of_user(logged)).is_some_and(|(_, record)| record.value.is_none())
}

/// The reply to commands of Redis.
async fn redis(commands: &str) -> String {
    let url = var("REDIS_URL");
    let address = url.rsplit(['/', '@']).find(|part| part.contains(':')).expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(format!("{commands}QUIT\r\n").as_bytes()).await.expect("sent");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.expect("a reply");
    String::from_utf8_lossy(&reply).into_owned()
}

async fn cache(mark: &str, found: &mut Found) {
    let keys = redis("KEYS *\r\n").await;
    let keys = keys.lines().filter(|line| !line.is_empty() && !line.starts_with(['*', '$', '+']));
    for key in keys {
        if key.contains(mark) || redis(&format!("GET {key}\r\n")).await.contains(mark) {
            found.insert((StoreKind::RedisKeys, key.split(':').next().unwrap_or_default().to_owned()));
        }
    }
}

/// Every store in which the text is.
async fn search(mark: &str) -> Found {
    let mut found = Found::new();
    tables(mark, &mut found).await;
    dynamodb(mark, &mut found).await;
    buckets(mark, &mut found).await;
    topics(mark, &mut found).await;
    cache(mark, &mut found).await;
    found
}

/// The stores in which the catalog allows personal data of a person who was erased.
fn allowed() -> Found {
    let stores = STORES.iter().filter(|store| matches!(store.personal, Personal::Expires(..) | Personal::Retained(_)));
    stores.map(|store| (store.kind, store.name.to_owned())).collect()
}

/// Adds a note with the mark to an order, ships it and delivers it.
async fn deliver(api: &ApiClient, order: &Value, mark: &str) {
    let (path, staff) = (format!("/api/v1/orders/{}", id(order)), api.staff().await);
    let note = json!({ "text": format!("{mark} rings twice") });
    api.post(&format!("{path}/notes")).token(&staff).json(&note).send().await.expect(201);
    let statuses = [
        json!({ "status": "shipped", "carrier": "DHL", "tracking_number": "00340434 1611" }),
        json!({ "status": "delivered" }),
    ];
    for (version, status) in (order["version"].as_u64().expect("a version")..).zip(statuses) {
        let request = api.request(Method::PATCH, &format!("{path}/status")).token(&staff);
        request.header("if-match", &format!("\"{version}\"")).json(&status).send().await.expect(200);
    }
}

async fn export_is_for_the_person_alone(api: &ApiClient, user: &User, mark: &str) {
    let path = format!("/api/v1/users/{}/export", user.id);
    let export = api.get(&path).token(&user.token).send().await;
    assert!(export.header("content-disposition").is_some_and(|how| how.starts_with("attachment")));
    assert_eq!(export.header("cache-control"), Some("no-store"));
    let export = export.expect(200);
    assert_eq!(export["contexts"]["orders"]["records"].as_array().map(Vec::len), Some(2), "{export}");
    assert_eq!(export["contexts"]["identity"]["about"]["profile"]["username"], mark);
    let other = api.customer().await;
    api.get(&path).token(&other.token).send().await.problem(404, "not-found");
}

async fn erase(api: &ApiClient, user: &User) {
    let path = format!("/api/v1/users/{}/erasure", user.id);
    let request = async |password: &str| {
        api.post(&path).token(&user.token).json(&json!({ "current_password": password })).send().await
    };
    request("a wrong horse").await.problem(422, "validation");
    assert_eq!(request(PASSWORD).await.status, 202);
    let login = json!({ "email": user.email, "password": PASSWORD });
    api.post("/api/v1/users/login").json(&login).send().await.problem(401, "wrong-credentials");
}

#[tokio::test]
async fn erased_person_is_found_nowhere_but_where_the_catalog_says_so() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (mark, lantern, staff) = (unique("zqx"), api.product(1999, 5).await, api.staff().await);
    let user = marked(&api, &mark).await;
    let sent = order(&api, &user, &lantern, &mark).await;
    deliver(&api, &sent, &mark).await;
    let open = order(&api, &user, &lantern, &mark).await;
    let table = |name: &str| (StoreKind::PostgresTable, name.to_owned());
    eventually("every context has stored the person", async || {
        let mut found = Found::new();
        tables(&mark, &mut found).await;
        let stores =
            ["identity.users", "orders.orders", "orders.order_notes", "notifications.contacts", "invoices.invoices"];
        stores.iter().all(|name| found.contains(&table(name))).then_some(())
    })
    .await;
    export_is_for_the_person_alone(&api, &user, &mark).await;
    erase(&api, &user).await;

    // The order that is not final keeps its address until it is.
    let mut but_open = allowed();
    but_open.insert(table("orders.orders"));
    let erased = eventually("everything but the open order is erased", async || {
        let left = search(&mark).await;
        let path = format!("/api/v1/orders/{}", id(&sent));
        let order = api.get(&path).token(&staff).send().await.expect(200);
        (left.is_subset(&but_open) && order["shipping_address"]["line1"] == "erased").then_some(left)
    })
    .await;
    assert!(erased.contains(&table("invoices.invoices")), "the law keeps it: {erased:?}");
    eventually("compaction may remove the person's records", async || has_tombstone(&user.id).await.then_some(()))
        .await;
    let path = format!("/api/v1/orders/{}", id(&open));
    let kept = api.get(&path).token(&staff).send().await.expect(200);
    assert_eq!(kept["shipping_address"]["line1"], format!("{mark} street"));

    api.request(Method::DELETE, &path).token(&staff).send().await.expect(202);
    // What `order-sweep` does every five minutes.
    let sweep = "SELECT erased FROM orders.erase_due(now(), 1000) WHERE $1 <> ''";
    eventually("the cancelled order is erased", async || {
        count_of_user(sweep, &user.id).await;
        search(&mark).await.is_subset(&allowed()).then_some(())
    })
    .await;
}
