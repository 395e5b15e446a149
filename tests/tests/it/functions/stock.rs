//! Stock of paid, shipped and forgotten orders.

use super::{
    ORDER, PRODUCT, all_samples_are_named, clock,
    consumers::{USUAL, deliver},
    http::answers,
    moment, sample, shop,
};
use adapters::{Wiring, config::Config};
use domain::{
    DomainEvent,
    event::StockLow,
    stock::{HOLD_SECONDS, LOW_STOCK_PIECES, State},
};
use edge::{Clock, Consumer};
use std::time::Duration;
use testkit::{Moment, Part, Platform, Which};

/// A platform where the samples' order holds its stock.
async fn held() -> Platform {
    let platform = shop();
    let handler = async |delivery| stock_reserve::handle(&platform.stock(), delivery).await;
    let event = sample(catalog::STOCK_RESERVE, "ok");
    let consumer = Consumer::new(catalog::STOCK_RESERVE.name);
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    assert_eq!(platform.stock().state(ORDER), Some(State::Held));
    platform
}

async fn keep(platform: &Platform) {
    let handler = async |delivery| stock_keep::handle(&platform.stock(), delivery).await;
    let event = sample(catalog::STOCK_KEEP, "ok");
    let consumer = Consumer::new(catalog::STOCK_KEEP.name);
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
}

async fn sweep(platform: &Platform, seconds: i64, case: &str) -> serde_json::Value {
    let clock = Clock::at(moment() + Duration::from_secs(seconds.unsigned_abs()), 7);
    let handler = async |tick| stock_sweep::handle(&platform.stock(), tick).await;
    let event = sample(catalog::STOCK_SWEEP, case);
    edge::schedule::tick(catalog::STOCK_SWEEP.name, event, &clock, &handler).await.expect("a summary")
}

fn level(platform: &Platform) -> (i64, i64) {
    let level = &platform.stock().levels()[0];
    (level.available, level.reserved)
}

#[tokio::test]
async fn stock_keep_keeps_what_is_held_and_buries_what_was_never_reserved() {
    let platform = held().await;
    deliver(catalog::STOCK_KEEP, &USUAL, &platform, async |delivery| {
        stock_keep::handle(&platform.stock(), delivery).await
    })
    .await;
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Kept), (3, 2)));
    assert_eq!(sweep(&platform, 10 * HOLD_SECONDS, "ok").await["lapsed"], 0, "what is kept does not lapse");
    let empty = shop();
    keep(&empty).await;
    let reasons: Vec<String> = empty.dead_letters().buried().into_iter().map(|letter| letter.reason).collect();
    assert_eq!(reasons, ["reservation-contradiction"]);
}

#[tokio::test]
async fn stock_sweep_frees_a_hold_that_lapsed_and_a_late_payment_takes_it_again() {
    all_samples_are_named(catalog::STOCK_SWEEP, &["ok", "bad_not_a_schedule"]);
    let platform = held().await;
    assert_eq!(sweep(&platform, HOLD_SECONDS, "ok").await["lapsed"], 0);
    assert_eq!(sweep(&platform, HOLD_SECONDS + 1, "bad_not_a_schedule").await["lapsed"], 1);
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Lapsed), (5, 0)));
    keep(&platform).await;
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Kept), (3, 2)));
}

#[tokio::test]
async fn a_paid_order_without_stock_waits_and_is_filled_when_there_is_some() {
    let platform = held().await;
    sweep(&platform, HOLD_SECONDS + 1, "ok").await;
    platform.stock().put(PRODUCT, 1);
    keep(&platform).await;
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Waiting), (1, 0)));
    assert_eq!(sweep(&platform, HOLD_SECONDS + 2, "ok").await["waiting"], 1);
    platform.stock().put(PRODUCT, 2);
    assert_eq!(sweep(&platform, HOLD_SECONDS + 3, "ok").await["filled"], 1);
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Kept), (0, 2)));
}

#[tokio::test]
async fn who_waits_is_filled_although_holds_that_lapsed_could_not_be_freed() {
    let platform = held().await;
    sweep(&platform, HOLD_SECONDS + 1, "ok").await;
    platform.stock().put(PRODUCT, 1);
    keep(&platform).await;
    platform.stock().put(PRODUCT, 2);
    platform.faults().fail(Part::Database, Which::First(1), Moment::Before);
    let clock = Clock::at(moment() + Duration::from_secs(HOLD_SECONDS.unsigned_abs() + 2), 7);
    let handler = async |tick| stock_sweep::handle(&platform.stock(), tick).await;
    let answer = edge::schedule::tick(catalog::STOCK_SWEEP.name, sample(catalog::STOCK_SWEEP, "ok"), &clock, &handler);
    assert!(answer.await.is_err(), "it is said all the same");
    assert_eq!(platform.stock().state(ORDER), Some(State::Kept));
}

#[tokio::test]
async fn stock_adjust_finds_the_product_under_the_same_key_once_its_account_is_open() {
    let platform = Platform::new();
    let route = Wiring::new(catalog::STOCK_ADJUST, Config::given([])).route().expect("a route");
    let ask = async || {
        let handler = async |call| stock_adjust::handle(&platform.stock(), call).await;
        edge::http::answer(&route, sample(catalog::STOCK_ADJUST, "ok_more"), &clock(), &handler).await
    };
    assert_eq!(ask().await["statusCode"], 404);
    platform.stock().put(PRODUCT, 5);
    assert_eq!(ask().await["statusCode"], 200);
}

#[tokio::test]
async fn stock_commit_takes_shipped_stock_off_the_account_once() {
    let platform = held().await;
    keep(&platform).await;
    deliver(catalog::STOCK_COMMIT, &USUAL, &platform, async |delivery| {
        stock_commit::handle(&platform.stock(), delivery).await
    })
    .await;
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Committed), (3, 0)));
    assert_eq!(platform.stock().committed(PRODUCT), 2);
}

#[tokio::test]
async fn stock_adjust_books_in_and_out_once_a_key_and_never_what_is_held() {
    let expected = [
        ("bad_too_many", 409, "insufficient-stock", ""),
        ("bad_zero", 422, "validation", "/delta"),
        ("bad_huge", 422, "validation", "/delta"),
        ("bad_reason", 422, "validation", "/reason"),
        ("bad_unknown_field", 422, "validation", "/note"),
        ("bad_unknown_product", 404, "not-found", ""),
        ("bad_no_key", 400, "idempotency-key-missing", ""),
        ("bad_customer", 403, "forbidden", ""),
        ("ok", 200, "", ""),
        ("ok_more", 200, "", ""),
    ];
    let platform = held().await;
    for _ in 0..2 {
        answers(catalog::STOCK_ADJUST, &expected, async |_, call| stock_adjust::handle(&platform.stock(), call).await)
            .await;
    }
    assert_eq!(level(&platform), (20, 2), "each once a key");
    assert_eq!(platform.stock().adjusted(PRODUCT), 17);
}

#[tokio::test]
async fn stock_alert_tells_once_that_a_product_runs_low() {
    let platform = held().await;
    let before = platform.bus().published().len();
    deliver(catalog::STOCK_ALERT, &USUAL, &platform, async |delivery| {
        stock_alert::handle(&platform.stock(), delivery).await
    })
    .await;
    let told = platform.bus().published().split_off(before);
    let low = StockLow { product_id: PRODUCT, available: 3, threshold: LOW_STOCK_PIECES };
    assert_eq!(told.into_iter().map(|event| event.event).collect::<Vec<_>>(), [DomainEvent::StockLow(low)]);
}

#[tokio::test]
async fn stock_movement_list_shows_the_back_office_what_moved_the_stock() {
    let platform = Platform::new();
    let stock = platform.stock();
    for (row, case) in [(catalog::STOCK_OPEN, "ok"), (catalog::STOCK_RESERVE, "ok")] {
        let (consumer, event) = (Consumer::new(row.name), sample(row, case));
        let handler = async |delivery| match row.name {
            name if name == catalog::STOCK_OPEN.name => stock_open::handle(&stock, delivery).await,
            _ => stock_reserve::handle(&stock, delivery).await,
        };
        edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
    let expected = [
        ("ok", 200, "", ""),
        ("ok_second_page", 200, "", ""),
        ("bad_cursor", 422, "validation", "?cursor"),
        ("bad_no_such_product", 404, "not-found", ""),
        ("bad_customer", 403, "forbidden", ""),
    ];
    answers(catalog::STOCK_MOVEMENT_LIST, &expected, async |case, call| {
        let reply = stock_movement_list::handle(&stock, call).await?;
        let kinds = match case {
            "ok" => vec![r#""kind":"opened""#, r#""kind":"reserved","quantity":2"#, "order_id"],
            _ => vec![r#""version":1,"kind":"opened""#, r#""next_cursor":null"#],
        };
        let text = reply.to_stored()?.body;
        assert!(kinds.iter().all(|kind| text.contains(kind)), "{case}: {text}");
        Ok(reply)
    })
    .await;
}
