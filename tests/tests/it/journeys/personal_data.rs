//! What is held about a person is exported, and erased: a search of every store finds the person only where the catalog says so.

mod search;

use super::{
    channels::a_number,
    stack::{ApiClient, User, count_of_user, eventually, id, order_request, shared_stack, unique, value_of_user},
};
use catalog::StoreKind;
use reqwest::Method;
use search::{Found, Marks, allowed, has_tombstone, other, search, tables};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";

/// A row has no text of the person.
const PREFERENCES: &str = "SELECT count(*) FROM notifications.preferences WHERE user_id = $1::text::uuid";

/// A customer in each of whose texts `mark` is.
async fn marked(api: &ApiClient, mark: &str, phone: &str) -> User {
    let address = json!({
        "name": format!("{mark} name"), "line1": format!("{mark} line1"), "line2": format!("{mark} line2"), "city": mark,
        "region": mark, "postal_code": "94607", "country": "US",
    });
    let body = json!({
        "email": format!("{mark}@example.com"), "username": mark, "password": PASSWORD, "full_name": format!("Ada {mark}"),
        "phone": phone, "address": address,
    });
    let user = api.post("/api/v1/users/register").json(&body).send().await.expect(201);
    let email = format!("{mark}@example.com");
    let token = api.login(&email, PASSWORD).await;
    let user = User { id: id(&user).to_owned(), email, token };
    api.verify_addresses(&user, Some(phone)).await;
    user
}

/// Gives the customer preferences, a device and a saved payment method. Returns the ids of the method and of its customer at the gateway, and
/// the endpoint of the device.
async fn equip(api: &ApiClient, user: &User, mark: &str) -> [String; 3] {
    let own = format!("/api/v1/users/{}", user.id);
    let preferences = json!({ "channels": ["email", "sms", "push"], "locale": "de" });
    let request = api.request(Method::PUT, &format!("{own}/preferences")).token(&user.token).json(&preferences);
    request.send().await.expect(200);
    let device = json!({ "token": format!("{mark}-token") });
    api.post(&format!("{own}/devices")).token(&user.token).json(&device).send().await.expect(201);
    let method = json!({ "payment_method": "pm_card_visa" });
    let request = api.post("/api/v1/payment-methods").token(&user.token).key(&unique("key")).json(&method);
    let saved = request.send().await.expect(201);
    let customer = "SELECT customer FROM payments.gateway_customers WHERE user_id = $1::text::uuid";
    let endpoint = "SELECT endpoint FROM notifications.devices WHERE user_id = $1::text::uuid";
    let method = saved["payment_method"].as_str().expect("an id").to_owned();
    [method, value_of_user(customer, &user.id).await, value_of_user(endpoint, &user.id).await]
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
    let noted = export["contexts"]["orders"]["records"][0]["notes_of_staff"][0]["text"].as_str();
    assert!(noted.is_some_and(|text| text.contains(mark)), "{export}");
    assert_eq!(export["contexts"]["identity"]["about"]["profile"]["username"], mark);
    assert_eq!(export["contexts"]["payments"]["about"]["payment_methods"][0]["last4"], "4242");
    let contact = &export["contexts"]["notifications"]["about"];
    assert_eq!(contact["devices"].as_array().map(Vec::len), Some(1), "{contact}");
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

fn table(name: &str) -> (StoreKind, String) {
    (StoreKind::PostgresTable, name.to_owned())
}

/// Waits until every context has stored the person, and shows that the search finds the person outside of the database, too.
async fn wait_until_stored(api: &ApiClient, user: &User, marks: &Marks) {
    eventually("every context has stored the person", async || {
        let mut found = Found::new();
        tables(marks, &mut found).await;
        let stores = [
            "identity.users",
            "orders.orders",
            "orders.order_notes",
            "notifications.contacts",
            "notifications.devices",
            "notifications.verified_addresses",
            "payments.gateway_customers",
            "payments.saved_methods",
            "invoices.invoices",
        ];
        stores.iter().all(|name| found.contains(&table(name))).then_some(())
    })
    .await;
    assert_eq!(count_of_user(PREFERENCES, &user.id).await, 1);
    let held = search(api, marks).await;
    for place in
        ["customers at the payment gateway", "e-mails and text messages that were sent", "endpoints of devices at SNS"]
    {
        assert!(held.contains(&other(place)), "{place}: {held:?}");
    }
}

#[tokio::test]
async fn erased_person_is_found_nowhere_but_where_the_catalog_says_so() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (mark, phone) = (unique("zqx"), a_number());
    let (lantern, staff) = (api.product(1999, 5).await, api.staff().await);
    let user = marked(&api, &mark, &phone).await;
    let own = equip(&api, &user, &mark).await;
    let marks = Marks([mark.clone(), phone].into_iter().chain(own).collect());
    let sent = order(&api, &user, &lantern, &mark).await;
    deliver(&api, &sent, &mark).await;
    let open = order(&api, &user, &lantern, &mark).await;
    wait_until_stored(&api, &user, &marks).await;
    export_is_for_the_person_alone(&api, &user, &mark).await;
    erase(&api, &user).await;

    // The order that is not final keeps its address until it is.
    let mut but_open = allowed();
    but_open.insert(table("orders.orders"));
    let erased = eventually("everything but the open order is erased", async || {
        let left = search(&api, &marks).await;
        let path = format!("/api/v1/orders/{}", id(&sent));
        let order = api.get(&path).token(&staff).send().await.expect(200);
        (left.is_subset(&but_open) && order["shipping_address"]["line1"] == "erased").then_some(left)
    })
    .await;
    assert!(erased.contains(&table("invoices.invoices")), "the law keeps it: {erased:?}");
    assert_eq!(count_of_user(PREFERENCES, &user.id).await, 0);
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
        search(&api, &marks).await.is_subset(&allowed()).then_some(())
    })
    .await;
}
