//! Tests of placing orders. Those of the state machine are in `order/state_machine_tests.rs`.

use super::*;
use kernel::Uuid;

#[path = "order/state_machine_tests.rs"]
mod state_machine;

fn product(n: u128) -> ProductId {
    ProductId(Uuid::from_u128(n))
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD").expect("valid")
}

fn command(items: &[(u128, i64)]) -> PlaceOrder {
    let items: Vec<_> =
        items.iter().map(|(p, q)| serde_json::json!({"product_id": product(*p), "quantity": q})).collect();
    serde_json::from_value(serde_json::json!({
        "items": items,
        "shipping_address": {"line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US"},
        "payment_method": "pm_card_visa"
    }))
    .expect("parses")
}

fn snapshot(n: u128, price: Money) -> ProductSnapshot {
    let name = crate::text::ProductName::parse("Lamp").expect("valid");
    let category = crate::text::Category::parse("lighting").expect("valid");
    ProductSnapshot { product_id: product(n), name, category, price, active: true, version: 1 }
}

pub(super) fn placed() -> Order {
    let (id, user) = (OrderId(Uuid::from_u128(9)), UserId(Uuid::from_u128(8)));
    place(id, user, command(&[(1, 2)]), &[snapshot(1, usd(1999))], &Rates::default(), Timestamp::UNIX_EPOCH)
        .expect("placed")
        .0
}

#[test]
fn order_uses_the_prices_of_the_catalogue() {
    let order = placed();
    assert_eq!(order.total, usd(3998));
    assert_eq!((order.lines[0].unit_price, order.lines[0].line_total), (usd(1999), usd(3998)));
}

#[test]
fn placed_order_awaits_stock_and_has_no_payment() {
    let order = placed();
    assert_eq!((order.status, order.reason), (Status::Pending, Some(Reason::AwaitingStock)));
    assert_eq!((order.payment_id, order.payment_version, order.version), (None, 0, 1));
    let entry = HistoryEntry { status: order.status, at: order.created_at, reason: order.reason };
    assert_eq!((order.history, order.updated_at), (vec![entry], order.created_at));
}

#[test]
fn total_is_the_sum_of_the_lines() {
    let snapshots = [snapshot(1, usd(1999)), snapshot(2, usd(1))];
    let (id, user) = (OrderId(Uuid::nil()), UserId(Uuid::nil()));
    let (order, event) =
        place(id, user, command(&[(2, 3), (1, 2)]), &snapshots, &Rates::default(), Timestamp::UNIX_EPOCH)
            .expect("placed");
    assert_eq!((order.total, event.total_amount), (usd(4001), usd(4001)));
    assert_eq!(order.lines.iter().map(|line| line.product_id).collect::<Vec<_>>(), [product(2), product(1)]);
}

#[test]
fn statuses_and_reasons_have_the_same_word_in_the_api_and_the_database() {
    for status in Status::ALL {
        assert_eq!(serde_json::json!(status), status.name());
        assert_eq!(Status::parse(status.name()), Some(status));
    }
    for reason in Reason::ALL {
        assert_eq!(serde_json::json!(reason), reason.name());
        assert_eq!(Reason::parse(reason.name()), Some(reason));
    }
    assert_eq!((Status::parse("Pending"), Reason::parse("")), (None, None));
}

#[test]
fn product_that_is_not_on_sale_is_rejected_with_its_item() {
    let (id, user) = (OrderId(Uuid::nil()), UserId(Uuid::nil()));
    let failure =
        place(id, user, command(&[(1, 1), (2, 1)]), &[snapshot(1, usd(5))], &Rates::default(), Timestamp::UNIX_EPOCH);
    assert_eq!(failure.expect_err("rejected").fields[0].pointer, "/items/1/product_id");
}

#[test]
fn test_product_of_the_canary_is_not_on_sale_for_customers() {
    let name = crate::text::ProductName::parse(crate::canary::PRODUCT_NAME).expect("a name");
    let test_product = ProductSnapshot { name, ..snapshot(1, usd(0)) };
    let order = |user, product: &ProductSnapshot| {
        place(
            OrderId(Uuid::nil()),
            user,
            command(&[(1, 1)]),
            std::slice::from_ref(product),
            &Rates::default(),
            Timestamp::UNIX_EPOCH,
        )
    };
    let customer = UserId(Uuid::from_u128(9));
    assert!(order(crate::canary::CUSTOMER, &test_product).is_ok());
    assert!(order(customer, &snapshot(1, usd(500))).is_ok());
    for (user, product) in [(customer, &test_product), (crate::canary::CUSTOMER, &snapshot(1, usd(5)))] {
        assert_eq!(order(user, product).expect_err("rejected").fields[0].pointer, "/items/0/product_id");
    }
}

#[test]
fn empty_duplicate_mixed_and_too_large_orders_are_rejected() {
    let try_place = |items: &[(u128, i64)], snapshots: &[ProductSnapshot]| {
        let (id, user) = (OrderId(Uuid::nil()), UserId(Uuid::nil()));
        place(id, user, command(items), snapshots, &Rates::default(), Timestamp::UNIX_EPOCH)
            .expect_err("rejected")
            .fields[0]
            .pointer
            .clone()
    };
    let eur = Money::new(5, "EUR").expect("valid");
    let most = usd(crate::money::MAX_AMOUNT);
    assert_eq!(try_place(&[], &[]), "/items");
    assert_eq!(try_place(&[(1, 1), (1, 1)], &[snapshot(1, usd(5))]), "/items/1/product_id");
    assert_eq!(try_place(&[(1, 1), (2, 1)], &[snapshot(1, usd(5)), snapshot(2, eur)]), "/items/1/product_id");
    assert_eq!(try_place(&[(1, 2)], &[snapshot(1, most)]), "/items/0/quantity");
}

#[test]
fn order_has_at_most_100_items() {
    let lines = |count: u128| command(&(1..=count).map(|n| (n, 1)).collect::<Vec<_>>());
    assert!(lines(100).check(MAX_LINES).is_ok());
    assert_eq!(lines(101).check(MAX_LINES).expect_err("rejected").fields[0].pointer, "/items");
    assert_eq!(lines(3).check(2).expect_err("rejected").fields[0].detail, "must have 1 to 2 items");
}

#[test]
fn total_outside_the_limits_of_the_gateway_is_rejected() {
    let try_place = |minor: i64, code: &str| {
        let price = Money::new(minor, code).expect("valid");
        let (id, user) = (OrderId(Uuid::nil()), UserId(Uuid::nil()));
        place(id, user, command(&[(1, 1)]), &[snapshot(1, price)], &Rates::default(), Timestamp::UNIX_EPOCH)
    };
    for (minor, code) in [(0, "USD"), (50, "USD"), (99_999_999, "USD"), (50, "JPY"), (30, "GBP"), (1_000, "MXN")] {
        assert!(try_place(minor, code).is_ok(), "{minor} {code}");
    }
    for (minor, code, detail) in [
        (1, "USD", "total 0.01 USD; the minimum that can be charged is 0.50 USD"),
        (50, "MXN", "total 0.50 MXN; the minimum that can be charged is 10.00 MXN"),
        (50, "CZK", "total 0.50 CZK; the minimum that can be charged is 15.00 CZK"),
        (49, "JPY", "total 49 JPY; the minimum that can be charged is 50 JPY"),
        (100_000_000, "EUR", "total 1000000.00 EUR; the maximum that can be charged is 999999.99 EUR"),
    ] {
        let failure = try_place(minor, code).expect_err("rejected");
        assert_eq!((&*failure.fields[0].pointer, &*failure.fields[0].detail), ("/items", detail));
    }
}

#[test]
fn quantity_is_between_1_and_the_maximum() {
    for bad in [0, -1, 10_001, i64::from(u32::MAX) + 2] {
        assert!(Quantity::try_from(bad).is_err(), "{bad}");
    }
    for good in [1, 10_000] {
        assert_eq!(Quantity::try_from(good).map(i64::from), Ok(good));
    }
}
