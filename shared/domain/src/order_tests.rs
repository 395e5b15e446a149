//! Rules of orders.

use super::*;
use kernel::Uuid;

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

fn offer(n: u128, price: Money) -> Offer {
    Offer { product_id: product(n), name: ProductName::parse("Lamp").expect("valid"), price }
}

fn placed() -> Order {
    let (id, user) = (OrderId(Uuid::from_u128(9)), UserId(Uuid::from_u128(8)));
    place(id, user, command(&[(1, 2)]), &[offer(1, usd(1999))], Timestamp::UNIX_EPOCH).expect("placed").0
}

#[test]
fn an_order_costs_what_the_catalogue_asks() {
    let order = placed();
    assert_eq!(order.total, usd(3998));
    assert_eq!((order.status, order.version), (Status::Pending, 1));
}

#[test]
fn a_product_that_is_not_on_sale_is_named_by_its_line() {
    let (id, user) = (OrderId(Uuid::nil()), UserId(Uuid::nil()));
    let failure = place(id, user, command(&[(1, 1), (2, 1)]), &[offer(1, usd(5))], Timestamp::UNIX_EPOCH);
    assert_eq!(failure.expect_err("refused").fields[0].pointer, "/items/1/product_id");
}

#[test]
fn no_lines_a_product_twice_two_currencies_and_too_much_are_refused() {
    let try_place = |items: &[(u128, i64)], offers: &[Offer]| {
        let (id, user) = (OrderId(Uuid::nil()), UserId(Uuid::nil()));
        place(id, user, command(items), offers, Timestamp::UNIX_EPOCH).expect_err("refused").fields[0].pointer.clone()
    };
    let eur = Money::new(5, "EUR").expect("valid");
    let most = usd(crate::money::MAX_AMOUNT);
    assert_eq!(try_place(&[], &[]), "/items");
    assert_eq!(try_place(&[(1, 1), (1, 1)], &[offer(1, usd(5))]), "/items/1/product_id");
    assert_eq!(try_place(&[(1, 1), (2, 1)], &[offer(1, usd(5)), offer(2, eur)]), "/items/1/product_id");
    assert_eq!(try_place(&[(1, 2)], &[offer(1, most)]), "/items/0/quantity");
}

#[test]
fn a_total_that_the_gateway_does_not_charge_is_refused_before_anybody_waits_for_it() {
    let try_place = |minor: i64, code: &str| {
        let price = Money::new(minor, code).expect("valid");
        let (id, user) = (OrderId(Uuid::nil()), UserId(Uuid::nil()));
        place(id, user, command(&[(1, 1)]), &[offer(1, price)], Timestamp::UNIX_EPOCH)
    };
    for (minor, code) in [(50, "USD"), (99_999_999, "USD"), (50, "JPY"), (99_999_999, "JPY")] {
        assert!(try_place(minor, code).is_ok(), "{minor} {code}");
    }
    for (minor, code, detail) in [
        (0, "USD", "cost 0.00 USD together; the least that can be paid is 0.50 USD"),
        (49, "JPY", "cost 49 JPY together; the least that can be paid is 50 JPY"),
        (100_000_000, "EUR", "cost 1000000.00 EUR together; the most that can be paid is 999999.99 EUR"),
    ] {
        let failure = try_place(minor, code).expect_err("refused");
        assert_eq!((&*failure.fields[0].pointer, &*failure.fields[0].detail), ("/items", detail));
    }
}

#[test]
fn a_quantity_is_between_one_and_the_limit() {
    for bad in [0, -1, 1_000_000_000] {
        assert!(Quantity::try_from(bad).is_err(), "{bad}");
    }
    assert!(Quantity::try_from(i64::from(MAX_QUANTITY)).is_ok());
}

#[test]
fn stock_then_payment_confirms_and_the_history_tells_it() {
    let payment = PaymentId(Uuid::from_u128(4));
    let (held, none) =
        advance(&placed(), Signal::StockReserved, Timestamp::UNIX_EPOCH).expect("legal").expect("a step");
    assert!(none.is_none());
    let (paid, event) = advance(&held, Signal::Paid(payment), Timestamp::UNIX_EPOCH).expect("legal").expect("a step");
    assert_eq!((paid.status, paid.version, paid.payment_id), (Status::Processing, 3, Some(payment)));
    assert!(matches!(event, Some(DomainEvent::OrderConfirmed(_))));
    assert_eq!(paid.history.len(), 3);
}

#[test]
fn a_payment_that_overtakes_the_reservation_confirms_and_the_late_news_changes_nothing() {
    let payment = PaymentId(Uuid::from_u128(4));
    let (paid, _) = advance(&placed(), Signal::Paid(payment), Timestamp::UNIX_EPOCH).expect("legal").expect("a step");
    assert_eq!(advance(&paid, Signal::StockReserved, Timestamp::UNIX_EPOCH), Ok(None));
    assert_eq!(advance(&paid, Signal::Paid(payment), Timestamp::UNIX_EPOCH), Ok(None));
}

#[test]
fn a_declined_card_and_a_short_stock_cancel_with_their_reasons() {
    let payment = PaymentId(Uuid::from_u128(4));
    for (signal, reason) in [
        (Signal::StockShort, Reason::InsufficientStock),
        (Signal::PaymentFailed(payment, Reason::PaymentDeclined), Reason::PaymentDeclined),
    ] {
        let (order, event) = advance(&placed(), signal, Timestamp::UNIX_EPOCH).expect("legal").expect("a step");
        assert_eq!((order.status, order.reason), (Status::Cancelled, Some(reason)));
        assert!(matches!(event, Some(DomainEvent::OrderCancelled(_))));
    }
}

#[test]
fn money_for_a_cancelled_order_is_no_silent_matter() {
    let (cancelled, _) = advance(&placed(), Signal::StockShort, Timestamp::UNIX_EPOCH).expect("legal").expect("a step");
    let paid = Signal::Paid(PaymentId(Uuid::from_u128(4)));
    let failure = advance(&cancelled, paid, Timestamp::UNIX_EPOCH).expect_err("a contradiction");
    assert!(!failure.is_retryable());
}
