//! Stock that is booked by hand, and what becomes of those who wait for it.

use super::order::on_topic;
use super::stack::{Answer, ApiClient, eventually, id, unique, whole};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";

async fn adjust(shop: &ApiClient, token: &str, key: &str, product: &Value, delta: i64, reason: &str) -> Answer {
    let path = format!("/api/v1/products/{}/stock", id(product));
    let body = json!({"delta": delta, "reason": reason});
    shop.ask(Method::PATCH, &path).token(token).key(key).json(&body).send().await
}

#[tokio::test]
async fn staff_books_stock_in_and_out_and_the_shop_window_follows() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, staff, lantern) = (shop.customer().await, shop.staff().await, shop.product(1999, 8).await);
    let placed = shop.place(&ada, &lantern, 2, CARD).await;
    shop.settled(&ada, &placed).await;
    let key = unique("adjust");
    adjust(&shop, &ada.token, &key, &lantern, 1, "found").await.problem(403, "forbidden");
    adjust(&shop, &staff, &key, &lantern, -7, "lost").await.problem(409, "insufficient-stock");
    adjust(&shop, &staff, &key, &lantern, 1, "lost").await.problem(422, "idempotency-key-reused");
    let first = adjust(&shop, &staff, &unique("adjust"), &lantern, -2, "damaged").await.expect(200);
    assert_eq!(first, json!({"available": 4, "reserved": 2}));
    assert_eq!(shop.stock(&lantern).await, (4, 2));
    let path = format!("/api/v1/products/{}", id(&lantern));
    eventually("the shop window shows four", async || {
        (shop.get(&path).send().await.expect(200)["stock_quantity"] == 4).then_some(())
    })
    .await;
    let history = format!("/api/v1/products/{}/stock/movements?limit=2", id(&lantern));
    let page = shop.get(&history).token(&staff).send().await.expect(200);
    let kinds = |page: &Value| [0, 1].map(|at| page["items"][at]["kind"].as_str().unwrap_or_default().to_owned());
    assert_eq!(kinds(&page), ["adjusted", "reserved"], "{page}");
    assert_eq!((&page["items"][0]["reason"], &page["items"][1]["order_id"]), (&json!("damaged"), &json!(id(&placed))));
    let next = format!("{history}&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
    assert_eq!(kinds(&shop.get(&next).token(&staff).send().await.expect(200)), ["opened", ""]);
    shop.get(&history).token(&ada.token).send().await.problem(403, "forbidden");
    let (topic, low) = (catalog::STOCK_LOW.topic.name, catalog::STOCK_LOW.name);
    let told = eventually("it is told that it runs low", async || on_topic(topic, id(&lantern), low).await).await;
    assert!(told.contains("\"threshold\":5"), "{told}");
}

#[tokio::test]
async fn of_many_who_book_and_order_at_once_every_piece_is_counted() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, staff, lantern) = (shop.customer().await, shop.staff().await, shop.product(500, 10).await);
    let keys: Vec<String> = (0..6).map(|_| unique("adjust")).collect();
    // Each twice under its key: whoever is told to try again has not been booked.
    let booking = keys.iter().chain(&keys).map(|key| adjust(&shop, &staff, key, &lantern, 2, "received"));
    let ordering = (0..3).map(|_| shop.place(&ada, &lantern, 1, CARD));
    let (answers, placed) = tokio::join!(join_all(booking), join_all(ordering));
    for order in &placed {
        shop.settled(&ada, order).await;
    }
    for (key, answer) in keys.iter().chain(&keys).zip(answers) {
        if answer.status.as_u16() != 200 {
            assert!([409, 503].contains(&answer.status.as_u16()), "{}", answer.text);
            adjust(&shop, &staff, key, &lantern, 2, "received").await.expect(200);
        }
    }
    eventually("all orders have their stock", async || (shop.stock(&lantern).await == (19, 3)).then_some(())).await;
}
