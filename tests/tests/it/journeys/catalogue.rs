//! Products by staff, and how customers find them, through the real stores.

use super::stack::{ApiClient, ApiResponse, eventually, id, order_request, shared_stack, unique};
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";

fn path(product: &Value) -> String {
    format!("/api/v1/products/{}", id(product))
}

fn body(product: &Value, name: &str, price: i64) -> Value {
    json!({
        "sku": product["sku"], "name": name, "category": product["category"], "description": "Burns twelve hours.",
        "price": { "amount": price, "currency": "USD" },
    })
}

async fn put(api: &ApiClient, staff: &str, product: &Value, tag: &str, body: &Value) -> ApiResponse {
    api.request(Method::PUT, &path(product)).token(staff).header("if-match", tag).json(body).send().await
}

/// The names of the products that a query finds.
async fn found(api: &ApiClient, query: &str) -> Vec<String> {
    let page = api.get(&format!("/api/v1/products?{query}")).send().await.expect(200);
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

async fn until_found(api: &ApiClient, query: &str, names: &[&str]) {
    eventually("the list has the products", async || (found(api, query).await == names).then_some(())).await;
}

#[tokio::test]
async fn changed_price_is_shown_listed_and_charged() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, staff, lantern) = (api.customer().await, api.staff().await, api.product(1999, 5).await);
    let tag = api.get(&path(&lantern)).send().await.header("etag").expect("a tag").to_owned();
    let (word, name) = (unique("lan").replace('-', ""), unique("Storm"));
    let name = format!("{name} {word}");
    let change = body(&lantern, &name, 2499);
    api.request(Method::PUT, &path(&lantern)).token(&staff).json(&change).send().await.problem(428, "if-match-missing");
    let changed = put(&api, &staff, &lantern, &tag, &change).await.expect(200);
    assert_eq!((&changed["price"]["amount"], &changed["version"]), (&json!(2499), &json!(2)));
    put(&api, &staff, &lantern, &tag, &change).await.problem(412, "precondition-failed");
    assert_eq!(api.get(&path(&lantern)).send().await.expect(200)["name"], name.as_str());
    until_found(&api, &format!("q={word}"), &[&name]).await;
    let typo = format!("{}x", &word[..word.len() - 1]);
    until_found(&api, &format!("q={typo}&min_price=2499&max_price=2499"), &[&name]).await;
    assert_eq!(found(&api, &format!("q={word}&max_price=2498")).await, [""; 0]);
    // Orders are placed at the new price once their copy has it.
    let mut request = order_request(&lantern, 1, CARD);
    request["items"][0]["expected_unit_price"] = json!({ "amount": 2499, "currency": "USD" });
    let order = eventually("the order is placed at the new price", async || {
        let placed = api.post("/api/v1/orders").token(&customer.token).key(&unique("key")).json(&request).send().await;
        (placed.status == 201).then(|| placed.json())
    })
    .await;
    assert_eq!(order["items"][0]["unit_price"]["amount"], 2499, "{order}");
    let prices = api.get(&format!("{}/prices", path(&lantern))).token(&staff).send().await.expect(200);
    let amounts: Vec<_> = [0, 1].map(|at| prices["items"][at]["price"]["amount"].as_i64()).into();
    assert_eq!(amounts, [Some(2499), Some(1999)], "{prices}");
    api.get(&format!("{}/prices", path(&lantern))).token(&customer.token).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn withdrawn_product_is_neither_shown_nor_listed_nor_ordered() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, staff, lantern) = (api.customer().await, api.staff().await, api.product(500, 5).await);
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    let delete = async || api.request(Method::DELETE, &path(&lantern)).token(&staff).send().await;
    assert_eq!(delete().await.status.as_u16(), 204);
    delete().await.problem(404, "not-found");
    api.get(&path(&lantern)).send().await.problem(404, "not-found");
    let by_id = format!("/api/v1/products?ids={}", id(&lantern));
    assert_eq!(api.get(&by_id).send().await.expect(200)["items"], json!([]));
    eventually("the product cannot be ordered", async || {
        let request = order_request(&lantern, 1, CARD);
        let refused = api.post("/api/v1/orders").token(&customer.token).key(&unique("key")).json(&request).send().await;
        (refused.status == 422).then_some(())
    })
    .await;
    let decided = api.wait_until_decided(&customer, &placed).await;
    assert_eq!(decided["status"], "processing", "an order that was placed goes on: {decided}");
    let again = json!({
        "sku": lantern["sku"], "name": "Again", "category": "lighting", "price": { "amount": 1, "currency": "USD" },
    });
    let again = api.post("/api/v1/products").token(&staff).key(&unique("key")).json(&again).send().await;
    again.problem(409, "sku-taken");
}

#[tokio::test]
async fn list_pages_through_a_category_that_is_counted() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let staff = api.staff().await;
    let category = unique("c").to_lowercase();
    for (name, price) in [("Anchor", 300), ("Buoy", 100), ("Chart", 200)] {
        let product = json!({
            "sku": unique("sku"), "name": name, "category": category, "price": { "amount": price, "currency": "USD" },
        });
        api.post("/api/v1/products").token(&staff).key(&unique("key")).json(&product).send().await.expect(201);
    }
    until_found(&api, &format!("category={category}&sort=price"), &["Buoy", "Chart", "Anchor"]).await;
    let first = api.get(&format!("/api/v1/products?category={category}&sort=-name&limit=2")).send().await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("another page");
    let query = format!("category={category}&sort=-name&limit=2&cursor={cursor}");
    assert_eq!(found(&api, &query).await, ["Anchor"]);
    let other = format!("/api/v1/products?category={category}&sort=name&cursor={cursor}");
    api.get(&other).send().await.problem(422, "validation");
    let categories = api.get("/api/v1/categories").send().await.expect(200);
    let counted = categories["items"].as_array().expect("items").iter().find(|one| one["name"] == category.as_str());
    assert_eq!(counted.expect("the category")["products"], 3);
}

/// A PNG of two by two red pixels.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGO4IyICRAwQCgAfngQRsu1RiQAAAABJRU5ErkJggg==";

/// Uploads a file as an image of the product. Returns the id of the image.
async fn upload(api: &ApiClient, staff: &str, product: &Value, file: &[u8]) -> String {
    let request = json!({ "content_type": "image/png", "size": file.len() });
    let images = format!("{}/images", path(product));
    let link = api.post(&images).token(staff).key(&unique("image")).json(&request).send().await.expect(201);
    let url = link["upload_url"].as_str().expect("a URL");
    let sent = api.http.put(url).header("content-type", "image/png").body(file.to_vec()).send().await;
    assert_eq!(sent.expect("a response").status().as_u16(), 200);
    id(&link).to_owned()
}

/// The images of a product, once none of them is pending.
async fn processed(api: &ApiClient, staff: &str, product: &Value) -> Vec<Value> {
    eventually("the uploads are processed", async || {
        let list = api.get(&format!("{}/images", path(product))).token(staff).send().await.expect(200);
        let images = list["items"].as_array().expect("items").clone();
        images.iter().all(|image| image["status"] != "pending").then_some(images)
    })
    .await
}

#[tokio::test]
async fn uploaded_image_is_shown_in_sizes_and_a_suspicious_one_is_quarantined() {
    use base64::Engine as _;
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (staff, lantern) = (api.staff().await, api.product(1999, 1).await);
    let png = base64::engine::general_purpose::STANDARD.decode(PNG).expect("base64");
    let image = upload(&api, &staff, &lantern, &png).await;
    let images = processed(&api, &staff, &lantern).await;
    assert_eq!((&images[0]["status"], id(&images[0])), (&json!("ready"), image.as_str()));
    let url = eventually("the product shows the image", async || {
        api.get(&path(&lantern)).send().await.expect(200)["image_url"].as_str().map(str::to_owned)
    })
    .await;
    for (variant, media_type) in [("size=small&format=webp", "image/webp"), ("size=large", "image/jpeg")] {
        // The client follows the redirect.
        let shown = api.get(&format!("{url}?{variant}")).send().await;
        assert_eq!((shown.status.as_u16(), shown.header("content-type")), (200, Some(media_type)), "{variant}");
    }
    let archive = [&png[..], b"PK\x03\x04"].concat();
    upload(&api, &staff, &lantern, &archive).await;
    let images = processed(&api, &staff, &lantern).await;
    assert_eq!((&images[1]["status"], &images[1]["reason"]), (&json!("refused"), &json!("trailing_data")));
    let delete = format!("{}/images/{image}", path(&lantern));
    assert_eq!(api.request(Method::DELETE, &delete).token(&staff).send().await.status.as_u16(), 204);
    let product = api.get(&path(&lantern)).send().await.expect(200);
    assert_eq!((&product["image_url"], &product["images"]), (&Value::Null, &json!([])));
}

/// The import or export at this path, once it has ended: within a minute or two, in which other journeys may stop services.
async fn ended(api: &ApiClient, staff: &str, path: &str) -> Value {
    eventually("the job has ended", async || {
        let _stack = shared_stack().await;
        let job = api.get(path).token(staff).send().await.expect(200);
        (job["ended_at"] != Value::Null).then_some(job)
    })
    .await
}

/// Imports a file. Returns the import, once it has ended.
async fn import(api: &ApiClient, staff: &str, mode: &str, file: &str) -> Value {
    let request = json!({ "mode": mode, "size": file.len() });
    let stack = shared_stack().await;
    let created = api.post("/api/v1/products/imports").token(staff).json(&request).send().await.expect(202);
    let url = created["upload"]["url"].as_str().expect("a URL");
    let sent = api.http.put(url).header("content-type", "application/x-ndjson").body(file.to_owned()).send().await;
    assert_eq!(sent.expect("a response").status().as_u16(), 200);
    drop(stack);
    ended(api, staff, &format!("/api/v1/products/imports/{}", id(&created))).await
}

/// Whether a job is among the newest of its kind.
async fn is_listed(api: &ApiClient, staff: &str, kind: &str, job: &Value) -> bool {
    let listed = api.get(&format!("/api/v1/products/{kind}?limit=100")).token(staff).send().await.expect(200);
    listed["items"].as_array().expect("a list").iter().any(|item| item["id"] == job["id"])
}

async fn download(api: &ApiClient, link: &Value) -> String {
    let response = api.http.get(link.as_str().expect("a URL")).send().await.expect("a response");
    response.error_for_status().expect("a file").text().await.expect("text")
}

#[tokio::test]
async fn products_are_imported_exported_and_imported_again_without_a_change() {
    let (stack, api) = (shared_stack().await, ApiClient::new());
    let staff = api.staff().await;
    drop(stack);
    let category = unique("bulk").to_lowercase();
    let product = |n: usize| {
        json!({
            "sku": format!("{category}-{n}"), "name": format!("Lamp {n}"), "category": category, "stock_quantity": 2,
            "price": { "amount": 100 + n, "currency": "USD" },
        })
    };
    let mut lines: Vec<String> = (0..95).map(|n| product(n).to_string()).collect();
    for (at, bad) in [(10, "{"), (20, "{}"), (30, "[]"), (40, "null"), (50, &lines[0].clone())] {
        lines.insert(at, bad.to_owned());
    }
    let first = import(&api, &staff, "create", &lines.join("\n")).await;
    assert_eq!((&first["status"], &first["lines"]), (&json!("completed_with_errors"), &json!(100)), "{first}");
    assert_eq!((&first["created"], &first["rejected"]), (&json!(95), &json!(5)), "{first}");
    let stack = shared_stack().await;
    let errors = download(&api, &first["errors_url"]).await;
    assert_eq!((errors.lines().count(), first["errors"].as_array().map(Vec::len)), (5, Some(5)));
    assert_eq!((&first["errors"][4]["line"], &first["errors"][4]["code"]), (&json!(51), &json!("sku-repeated")));
    eventually("all products are listed", async || {
        let categories = api.get("/api/v1/categories").send().await.expect(200);
        let known = categories["items"]
            .as_array()
            .expect("items")
            .iter()
            .any(|one| one["name"] == category.as_str() && one["products"] == 95);
        known.then_some(())
    })
    .await;
    assert!(is_listed(&api, &staff, "imports", &first).await);
    let created = api.post("/api/v1/products/exports").token(&staff).send().await.expect(202);
    assert!(is_listed(&api, &staff, "exports", &created).await);
    drop(stack);
    let export = ended(&api, &staff, &format!("/api/v1/products/exports/{}", id(&created))).await;
    let stack = shared_stack().await;
    let file = download(&api, &export["url"]).await;
    drop(stack);
    assert_eq!(export["products"], file.lines().count(), "{export}");
    let own: Vec<&str> = file.lines().filter(|line| line.contains(&category)).collect();
    assert_eq!(own.len(), 95);
    let again = import(&api, &staff, "upsert", &own.join("\n")).await;
    assert_eq!((&again["status"], &again["unchanged"]), (&json!("completed"), &json!(95)), "{again}");
    let _stack = shared_stack().await;
    let customer = api.customer().await;
    api.post("/api/v1/products/exports").token(&customer.token).send().await.problem(403, "forbidden");
}
