//! What operators see and do, over the API and on the command line: the timeline of an order, queues, dead letters and their redrive, and
//! consumers that are paused.

use super::failure::{queue_url, sqs};
use super::stack::{ApiClient, count_of_user, eventually, id, run_script, shared_stack, unique, var};
use aws_sdk_sqs::types::MessageAttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn admin(api: &ApiClient) -> String {
    api.login(&var("ADMIN_EMAIL"), &var("ADMIN_PASSWORD")).await
}

#[tokio::test]
async fn timeline_of_an_order_has_its_events_and_who_has_handled_them() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, admin) = (api.customer().await, api.product(1999, 5).await, admin(&api).await);
    let placed = api.place(&customer, &lantern, 1, "pm_card_visa").await;
    api.wait_until_decided(&customer, &placed).await;
    let path = format!("/api/v1/ops/orders/{}/timeline", id(&placed));
    let expected =
        ["OrderPlaced.v1", "StockReserved.v1", "PaymentSucceeded.v1", "StockAllocated.v1", "OrderConfirmed.v1"];
    let timeline = eventually("every event is recorded and handled", async || {
        let response = api.get(&path).token(&admin).send().await;
        let items = response.json()["items"].as_array().cloned().unwrap_or_default();
        let kinds: BTreeSet<&str> = items.iter().filter_map(|entry| entry["type"].as_str()).collect();
        let is_handled = |entry: &Value| {
            entry["deliveries"].as_array().is_some_and(|all| all.iter().all(|delivery| delivery["status"] == "handled"))
        };
        (expected.iter().all(|kind| kinds.contains(kind)) && items.iter().all(is_handled)).then_some(items)
    })
    .await;
    let first = &timeline[0];
    assert_eq!(first["type"], "OrderPlaced.v1", "{timeline:?}");
    assert!(!first.to_string().contains("line1"), "{first}");
    let kinds: Vec<&str> = timeline.iter().filter_map(|entry| entry["type"].as_str()).collect();
    let place = |kind: &str| kinds.iter().position(|one| *one == kind);
    assert!(place("OrderPlaced.v1") < place("PaymentSucceeded.v1"), "{kinds:?}");
    assert!(place("PaymentSucceeded.v1") < place("OrderConfirmed.v1"), "{kinds:?}");
    let consumers: BTreeSet<&str> = timeline
        .iter()
        .flat_map(|entry| entry["deliveries"].as_array().into_iter().flatten())
        .filter_map(|delivery| delivery["consumer"].as_str())
        .collect();
    for consumer in [catalog::STOCK_RESERVE, catalog::PAYMENT_CHARGE, catalog::ORDER_ADVANCE, catalog::EVENT_FORWARD] {
        assert!(consumers.contains(consumer.name), "{consumers:?}");
    }

    let printed = run_script("ops", &["order", id(&placed)]).await;
    let text = String::from_utf8_lossy(&printed.stdout);
    assert!(printed.status.success() && text.contains("OrderConfirmed.v1") && text.contains("stock-reserve"), "{text}");

    for token in [&customer.token, &api.staff().await] {
        api.get(&path).token(token).send().await.problem(403, "forbidden");
    }
    let unknown = format!("/api/v1/ops/orders/{}/timeline", customer.id);
    api.get(&unknown).token(&admin).send().await.problem(404, "not-found");
}

#[tokio::test]
async fn cancellation_by_staff_names_them_in_the_timeline_and_in_the_audit() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, admin) = (api.customer().await, api.product(1999, 5).await, admin(&api).await);
    let (staff, email) = (api.staff().await, var("STAFF_EMAIL"));
    let placed = api.place(&customer, &lantern, 1, "pm_card_visa").await;
    api.wait_until_decided(&customer, &placed).await;
    api.request(Method::DELETE, &format!("/api/v1/orders/{}", id(&placed))).token(&staff).send().await.expect(202);
    let found = api.get(&format!("/api/v1/users?query={email}")).token(&admin).send().await.expect(200);
    let member = &found["items"][0]["id"];
    let path = format!("/api/v1/ops/orders/{}/timeline?limit=100", id(&placed));
    let timeline = eventually("the cancellation and its consequences are recorded", async || {
        let response = api.get(&path).token(&admin).send().await;
        let items = response.json()["items"].as_array().cloned().unwrap_or_default();
        let is_there = |kind: &str| items.iter().any(|entry| entry["type"] == kind);
        // Null while an event is published again.
        let are_published = items.iter().all(|entry| entry["published_at"].is_string());
        (is_there("OrderCancelled.v1") && is_there("StockReleased.v1") && are_published).then_some(items)
    })
    .await;
    let entry = |kind: &str| timeline.iter().find(|entry| entry["type"] == kind).expect("an entry");
    let cancelled = entry("OrderCancelled.v1");
    assert_eq!(cancelled["actor"], json!({ "id": member, "role": "staff" }));
    assert_eq!(entry("OrderPlaced.v1")["actor"], json!({ "id": customer.id, "role": "customer" }));
    assert_eq!(entry("StockReleased.v1")["actor"], Value::Null, "a consumer caused it");
    let change = &audit(&api, &admin, 1, &|one| one["id"] == cancelled["id"]).await[0];
    assert_eq!((&change["operator_id"], &change["operator_role"]), (member, &json!("staff")));
    assert_eq!((&change["action"], &change["order_id"]), (&json!("OrderCancelled.v1"), &placed["id"]));
    for (command, argument) in [("order", id(&placed)), ("audit", "--json")] {
        let printed = run_script("ops", &[command, argument]).await;
        let text = String::from_utf8_lossy(&printed.stdout);
        assert!(text.contains(member.as_str().expect("an id")), "{command}: {text}");
    }
}

/// The newest entries of the audit that are wanted. Other tests change products meanwhile, which is in it, too.
async fn audit(api: &ApiClient, admin: &str, count: usize, is_wanted: &dyn Fn(&Value) -> bool) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/api/v1/ops/audit?limit=100{cursor}")).token(admin).send().await.expect(200);
        found.extend(page["items"].as_array().into_iter().flatten().filter(|entry| is_wanted(entry)).cloned());
        if found.len() >= count {
            return found;
        }
        let next =
            page["next_cursor"].as_str().unwrap_or_else(|| panic!("{} of {count} are in the audit", found.len()));
        cursor = format!("&cursor={next}");
    }
}

/// The dead-letter queue of a consumer.
async fn dead_letter_queue(consumer: &catalog::Function) -> String {
    queue_url(&sqs(), &format!("{}{}", consumer.name, catalog::DEAD_LETTER_SUFFIX)).await
}

/// Sends what is no event to the dead-letter queue of a consumer.
async fn put_dead_letter(consumer: &catalog::Function, marker: &str) {
    let body = json!({ "marker": marker }).to_string();
    send_dead_letter(consumer, &body, &[("reason", "unreadable"), ("detail", marker)]).await;
}

/// Sends a message with these attributes to the dead-letter queue of a consumer.
pub(super) async fn send_dead_letter(consumer: &catalog::Function, body: &str, attributes: &[(&str, &str)]) {
    let mut send = sqs().send_message().queue_url(dead_letter_queue(consumer).await).message_body(body);
    for (name, text) in attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(*text).build();
        send = send.message_attributes(*name, value.expect("an attribute"));
    }
    send.send().await.expect("sent");
}

#[tokio::test]
async fn replayed_event_reaches_its_consumer_which_recognizes_it() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, admin) = (api.customer().await, api.product(1999, 5).await, admin(&api).await);
    let placed = api.place(&customer, &lantern, 1, "pm_card_visa").await;
    api.wait_until_decided(&customer, &placed).await;
    let consumer = catalog::STOCK_RESERVE.name;
    let reason = unique("replay");
    let mut replay = json!({
        "reason": reason, "consumer": consumer, "subject": id(&placed), "from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z",
    });
    api.post("/api/v1/ops/replay").token(&api.staff().await).json(&replay).send().await.problem(403, "forbidden");
    replay["dry_run"] = json!(true);
    let dry = api.post("/api/v1/ops/replay").token(&admin).json(&replay).send().await.expect(200);
    let events = dry["event_ids"].as_array().expect("a list").clone();
    assert_eq!((&dry["replayed"], &dry["action_id"], events.len()), (&json!(0), &Value::Null, 1), "{dry}");
    let timeline = format!("/api/v1/ops/orders/{}/timeline", id(&placed));
    let placing = eventually("the placement is in the timeline", async || {
        let timeline = api.get(&timeline).token(&admin).send().await;
        let items = (timeline.status == 200).then(|| timeline.json())?["items"].as_array()?.clone();
        items.into_iter().find(|entry| entry["type"] == "OrderPlaced.v1")
    })
    .await;
    assert_eq!(Some(&placing["id"]), events.first(), "it names the event that would be replayed");
    let audit = async || String::from_utf8_lossy(&run_script("ops", &["audit", "--json"]).await.stdout).into_owned();
    assert!(!audit().await.contains(&reason), "a dry run does nothing");
    replay["dry_run"] = json!(false);
    let done = api.post("/api/v1/ops/replay").token(&admin).json(&replay).send().await.expect(200);
    assert_eq!(done["event_ids"].as_array(), Some(&events), "{done}");
    assert_eq!((&done["replayed"], &done["next_cursor"]), (&json!(1), &Value::Null), "{done}");
    eventually("the event is consumed", async || {
        let queues = api.get("/api/v1/ops/queues").token(&admin).send().await.expect(200);
        let queue = queues["items"].as_array().into_iter().flatten().find(|queue| queue["name"] == consumer)?.clone();
        (queue["waiting"] == 0 && queue["in_flight"] == 0 && queue["delayed"] == 0).then_some(())
    })
    .await;
    let stock = api.get(&format!("/api/v1/products/{}/stock", id(&lantern))).send().await.expect(200);
    assert_eq!(stock["available"], 4, "{stock}");
    let text = audit().await;
    assert!(text.contains(&reason) && text.contains("\"replayed\": 1"), "{text}");
}

#[tokio::test]
async fn dead_letter_is_found_and_redriven_and_the_audit_says_who_and_why() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (admin, marker) = (admin(&api).await, unique("dead"));
    let consumer = catalog::CREDIT_NOTE_ISSUE;
    put_dead_letter(consumer, &marker).await;
    let list = format!("/api/v1/ops/dead-letters?queue={}&limit=100", consumer.name);
    // A redriven message is unreadable again: it comes back as another dead letter, with the reason that its consumer gives.
    let find = async |mine: &dyn Fn(&Value) -> bool| {
        eventually("the dead letter is listed", async || {
            let listed = api.get(&list).token(&admin).send().await.expect(200);
            listed["items"].as_array().into_iter().flatten().find(|item| mine(item)).cloned()
        })
        .await
    };
    let message = find(&|item| item["detail"] == marker.as_str()).await;
    assert_eq!((&message["reason"], &message["event"]), (&json!("unreadable"), &Value::Null));
    let queues = api.get("/api/v1/ops/queues").token(&admin).send().await.expect(200);
    let queue = queues["items"].as_array().into_iter().flatten().find(|queue| queue["name"] == consumer.name);
    assert!(queue.is_some_and(|queue| queue["dead_letters"].as_u64() >= Some(1)), "{queue:?}");

    let path = format!("/api/v1/ops/queues/{}/redrive", consumer.name);
    let mut body = json!({ "reason": marker, "message_ids": [message["id"]], "dry_run": true });
    let dry = api.post(&path).token(&admin).json(&body).send().await.expect(200);
    assert_eq!((&dry["redriven"], &dry["message_ids"]), (&json!(0), &json!([message["id"]])));
    assert_eq!(dry["forecasts"][0]["forecast"]["outcome"], "would_return", "{dry}");
    body["patch"] = json!([{ "op": "remove", "path": "/data" }]);
    let edited = api.post(&path).token(&admin).json(&body).send().await.expect(200);
    assert_eq!(
        (&edited["edited"], &edited["refused"][0]["reason"]),
        (&json!([]), &json!("validation")),
        "it has no data"
    );
    body["patch"] = Value::Null;
    body["dry_run"] = json!(false);
    api.post(&path).token(&api.staff().await).json(&body).send().await.problem(403, "forbidden");
    let redrive = async || {
        let request = api.post(&path).token(&admin).header("idempotency-key", &marker).json(&body);
        request.send().await.expect(200)
    };
    let done = redrive().await;
    assert_eq!(done["redriven"], 1, "{done}");
    assert_eq!(redrive().await, done, "the first response");
    let is_back = |item: &Value| item["id"] != message["id"] && item["bytes"] == message["bytes"];
    let returned = find(&|item| is_back(item) && item["reason"] == "unreadable").await;
    let action = &audit(&api, &admin, 1, &|action| action["reason"] == marker.as_str()).await[0];
    assert_eq!((&action["id"], &action["outcome"]["redriven"]), (&done["action_id"], &json!(1)));
    // Others count dead letters.
    let body = json!({ "action": "discard", "reason": marker, "message_ids": [returned["id"]] });
    let gone = api.post(&path).token(&admin).json(&body).send().await.expect(200);
    assert_eq!((&gone["discarded"], &gone["redriven"]), (&json!(1), &json!(0)), "{gone}");
}

#[tokio::test]
async fn order_that_waits_for_its_customer_is_listed_with_its_next_step() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, admin) = (api.customer().await, api.product(1999, 5).await, admin(&api).await);
    let placed = api.place(&customer, &lantern, 1, "pm_card_visa_chargeDeclined").await;
    let stuck = eventually("the declined order is listed", async || {
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/ops/stuck-orders?minutes=0&limit=100{cursor}");
            let page = api.get(&path).token(&admin).send().await.expect(200);
            let mine = page["items"].as_array().into_iter().flatten().find(|order| order["id"] == placed["id"]);
            if let Some(found) = mine.filter(|order| order["next_step"] == "customer_payment") {
                return Some(found.clone());
            }
            cursor = format!("&cursor={}", page["next_cursor"].as_str()?);
        }
    })
    .await;
    assert_eq!((&stuck["status_reason"], &stuck["functions"]), (&json!("payment_declined"), &json!([])));
    api.get("/api/v1/ops/stuck-orders").token(&customer.token).send().await.problem(403, "forbidden");
}

/// How many events about a deleted account [`PAYMENT_METHOD_FORGET`](catalog::PAYMENT_METHOD_FORGET) has handled.
const FORGOTTEN: &str = "
    SELECT count(*) FROM payments.inbox AS i JOIN identity.outbox AS o ON o.id = i.event_id
    WHERE i.consumer = 'payment-method-forget' AND o.event ->> 'subject' = $1";

#[tokio::test]
async fn paused_consumer_handles_no_event_until_it_is_resumed() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (admin, reason) = (admin(&api).await, unique("pause"));
    // No other journey waits for it.
    let consumer = catalog::PAYMENT_METHOD_FORGET.name;
    let path = format!("/api/v1/ops/consumers/{consumer}/state");
    let switch = async |state: &str, token: &str| {
        let body = json!({ "state": state, "reason": reason });
        api.request(Method::PUT, &path).token(token).json(&body).send().await
    };
    let shown = async || {
        let queues = api.get("/api/v1/ops/queues").token(&admin).send().await.expect(200);
        let found = queues["items"].as_array().into_iter().flatten().find(|queue| queue["name"] == consumer).cloned();
        found.expect("the consumer is listed")
    };
    switch("paused", &api.staff().await).await.problem(403, "forbidden");
    let paused = run_script("ops", &["pause", consumer, "--reason", &reason, "--json"]).await;
    let paused: Value = serde_json::from_slice(&paused.stdout).expect("JSON");
    assert_eq!((&paused["state"], &paused["changed"]), (&json!("paused"), &json!(1)), "{paused}");
    assert_eq!(switch("paused", &admin).await.expect(200)["changed"], 0, "it is paused already");

    let customers = [api.customer().await, api.customer().await];
    for customer in &customers {
        let account = format!("/api/v1/users/{}", customer.id);
        let deleted = api.request(Method::DELETE, &account).token(&customer.token).send().await;
        assert_eq!(deleted.status.as_u16(), 204);
    }
    // The first event would be gone by the time that the second one waits, if the consumer ran.
    let queue = eventually("both events wait", async || {
        let queue = shown().await;
        (queue["waiting"].as_u64() >= Some(2)).then_some(queue)
    })
    .await;
    assert_eq!((&queue["state"], &queue["in_flight"]), (&json!("paused"), &json!(0)));
    for customer in &customers {
        assert_eq!(count_of_user(FORGOTTEN, &customer.id).await, 0);
    }

    let resumed = switch("running", &admin).await.expect(200);
    assert_eq!((&resumed["state"], &resumed["changed"]), (&json!("running"), &json!(1)), "{resumed}");
    for customer in &customers {
        eventually("the event is handled", async || (count_of_user(FORGOTTEN, &customer.id).await == 1).then_some(()))
            .await;
    }
    assert_eq!(shown().await["state"], "running");
    let mine = audit(&api, &admin, 3, &|action| action["reason"] == reason.as_str()).await;
    let outcomes: Vec<&Value> = mine.iter().map(|action| &action["outcome"]).collect();
    assert!(outcomes.contains(&&json!({ "matched": 1, "paused": 1 })), "{outcomes:?}");
}
