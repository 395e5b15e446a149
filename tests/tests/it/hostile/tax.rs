//! Tax and shipping: computed once, when an order is placed, and the same in the charge, the ledger, the invoice and credit notes.

use super::totals::{settle_after, settle_refunds_after};
use crate::functions::{USER, sample_time};
use domain::{
    Money,
    id::PaymentId,
    money::Rounding,
    order::{OrderLimits, Rates},
    payment::RefundLimit,
    shipping::ShippingRates,
    tax::TaxRates,
};
use edge::{
    Clock,
    http::{Access, Route},
    testing,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Ordering;
use testkit::{Platform, build, ids};

const PLACE: Route = Route::new(catalog::ORDER_PLACE.name, Access::Roles(&[catalog::role::CUSTOMER])).idempotent();
const REFUND: Route = Route::new(catalog::REFUND_REQUEST.name, Access::Roles(&[catalog::role::STAFF])).idempotent();

/// The prices of the method `express`, in minor units.
const EXPRESS: [(&str, i64); 3] = [("EUR", 1_290), ("USD", 1_500), ("JPY", 900)];

fn rates(tax: &str, rounding: Rounding) -> Rates {
    let express = EXPRESS.map(|(currency, minor)| format!("{currency}:{minor}")).join(",");
    Rates {
        tax: TaxRates::parse(tax, rounding).expect("rates"),
        shipping: ShippingRates::parse(&format!("standard:free;express:{express}")).expect("methods"),
    }
}

fn address(country: &str, region: &str) -> Value {
    json!({ "line1": "1 Pier", "city": "Town", "region": region, "postal_code": "10115", "country": country })
}

/// Status and body of a request for three units at 19.99 each.
async fn order(currency: &str, address: Value, shipping_method: Option<&str>) -> (u64, Value) {
    let platform = Platform::new();
    let price = Money::new(1_999, currency).expect("valid");
    platform.products().put(&build::product().number(1).price(price).stock(5).created());
    let mut body = build::place_order_json(&[(1, 3)]);
    body["shipping_address"] = address;
    if let Some(method) = shipping_method {
        body["shipping_method"] = json!(method);
    }
    place(&platform, &rates("DE:included:19,books:7;US:added:0;US-NY:added:8.875", Rounding::HalfUp), &body).await
}

/// Status and body of a request to place an order.
async fn place(platform: &Platform, rates: &Rates, body: &Value) -> (u64, Value) {
    let request = testing::http_event("POST", "/api/v1/orders").key("k").body(body);
    let request = request.principal(USER.0, catalog::role::CUSTOMER).build();
    let (orders, offers, clock) = (platform.orders(), platform.product_snapshots(), Clock::at(sample_time(), 7));
    let handler = async |call| order_place::handle(&orders, &offers, (OrderLimits::default(), rates), call).await;
    outcome(&edge::http::respond(&PLACE, request, &clock, &handler).await)
}

/// Status and body of a request of staff to refund a part of a payment.
async fn refund(platform: &Platform, payment: PaymentId, amount: Money) -> (u64, Value) {
    let body = json!({ "payment_id": payment, "amount": amount, "reason": "requested_by_customer" });
    let request = testing::http_event("POST", "/api/v1/payments/refund").key("k").body(body);
    let request = request.principal(ids::user(9).0, catalog::role::STAFF).build();
    let (payments, clock) = (platform.payments(), Clock::at(sample_time(), 8));
    // So high that no refund waits for an approval.
    let limit = RefundLimit { units: 1_000_000 };
    let handler = async |call| refund_request::handle(&payments, limit, call).await;
    outcome(&edge::http::respond(&REFUND, request, &clock, &handler).await)
}

fn outcome(response: &Value) -> (u64, Value) {
    let body = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    (response["statusCode"].as_u64().expect("a status"), body)
}

#[tokio::test]
async fn order_states_subtotal_shipping_and_tax() {
    let figures = |body: &Value| {
        ["subtotal", "shipping", "tax", "total_amount"].map(|name| body[name]["amount"].as_i64().expect("an amount"))
    };
    let (status, germany) = order("EUR", address("DE", "HH"), Some("express")).await;
    assert_eq!((status, figures(&germany)), (201, [5_997, 1_290, 958 + 206, 7_287]), "{germany}");
    assert_eq!((&germany["tax_included"], &germany["shipping_method"]), (&json!(true), &json!("express")));
    assert_eq!(germany["items"][0]["tax"], json!({ "rate": "19", "amount": { "amount": 958, "currency": "EUR" } }));

    let (status, new_york) = order("USD", address("US", "NY"), None).await;
    assert_eq!((status, figures(&new_york)), (201, [5_997, 0, 532, 6_529]), "{new_york}");
    assert_eq!((&new_york["tax_included"], &new_york["shipping_method"]), (&json!(false), &json!("standard")));

    let (status, france) = order("EUR", address("FR", ""), None).await;
    assert_eq!((status, figures(&france)), (201, [5_997, 0, 0, 5_997]), "{france}");
    assert_eq!((&france["items"][0]["tax"], &france["taxes"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn shipping_that_is_not_offered_and_region_without_a_code_are_rejected() {
    for (currency, address, method, pointer) in [
        ("EUR", address("DE", "HH"), Some("drone"), "/shipping_method"),
        ("GBP", address("DE", "HH"), Some("express"), "/shipping_method"),
        ("USD", address("US", "New York"), None, "/shipping_address/region"),
    ] {
        let (status, body) = order(currency, address, method).await;
        assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}

/// What is ordered, under which rates, and which part of it is refunded.
#[derive(Debug, Clone)]
struct Wanted {
    /// Unit price in minor units, quantity and category of each product.
    lines: Vec<(i64, u32, &'static str)>,
    /// Country, region and currency.
    area: (&'static str, &'static str, &'static str),
    /// Rates in thousandths of a percent: of books, of lighting, of shipping.
    rates: [i64; 3],
    is_included: bool,
    rounding: Rounding,
    shipping_method: &'static str,
    /// The part of the total that is refunded, in percent.
    refunded: i64,
}

impl Wanted {
    /// Books have the standard rate.
    fn environment(&self) -> Rates {
        let kind = if self.is_included { "included" } else { "added" };
        let [books, lighting, shipping] = self.rates.map(|rate| format!("{}.{:03}", rate / 1_000, rate % 1_000));
        rates(&format!("{}:{kind}:{books},lighting:{lighting},shipping:{shipping}", self.area.0), self.rounding)
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.area.2).expect("valid")
    }

    /// Puts the products up for sale, and returns the request.
    fn offer(&self, platform: &Platform) -> Value {
        for ((price, _, category), n) in self.lines.iter().zip(1..) {
            let product = build::product().number(n).category(category).price(self.money(*price)).stock(10);
            platform.products().put(&product.created());
            platform.stock().put(ids::product(n), 10);
        }
        let items: Vec<_> = self.lines.iter().zip(1..).map(|((_, quantity, _), n)| (n, i64::from(*quantity))).collect();
        let mut body = build::place_order_json(&items);
        body["shipping_address"] = address(self.area.0, self.area.1);
        body["shipping_method"] = json!(self.shipping_method);
        body
    }

    fn shipping(&self) -> i64 {
        let price = EXPRESS.iter().find(|(currency, _)| *currency == self.area.2).expect("a price");
        if self.shipping_method == "express" { price.1 } else { 0 }
    }

    /// The tax of a price in minor units, computed in another way than by `domain`.
    fn tax(&self, price: i64, rate: i64) -> i64 {
        let whole = if self.is_included { 100_000 + rate } else { 100_000 };
        let (below, rest) = (price * rate / whole, price * rate % whole);
        let is_up = match (2 * rest).cmp(&whole) {
            Ordering::Less => false,
            Ordering::Equal => self.rounding == Rounding::HalfUp || below % 2 == 1,
            Ordering::Greater => true,
        };
        below + i64::from(is_up)
    }

    /// The taxes of the lines, and of shipping.
    fn taxes(&self) -> (Vec<i64>, i64) {
        let [books, lighting, shipping] = self.rates;
        let tax = |(price, quantity, category): &(i64, u32, &str)| {
            self.tax(price * i64::from(*quantity), if *category == "books" { books } else { lighting })
        };
        (self.lines.iter().map(tax).collect(), self.tax(self.shipping(), shipping))
    }
}

prop_compose! {
    /// An order of one to five products of two categories in one of three areas, with rates of the area. Yen have no minor unit; currencies
    /// with three decimals are not supported.
    fn orders()(
        lines in prop::collection::vec((101..=20_100_i64, 1..=9_u32, prop::sample::select(vec!["books", "lighting"])), 1..=5),
        area in prop::sample::select(vec![("DE", "HH", "EUR"), ("US", "NY", "USD"), ("JP", "13", "JPY")]),
        rates in prop::array::uniform3(0..=40_000_i64),
        is_included: bool,
        rounding in prop::sample::select(Rounding::ALL.to_vec()),
        shipping_method in prop::sample::select(vec!["standard", "express"]),
        refunded in 1..=99_i64,
    ) -> Wanted {
        Wanted { lines, area, rates, is_included, rounding, shipping_method, refunded }
    }
}

const fn minor(money: Money) -> i64 {
    money.amount.get()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn total_of_a_request_is_charged_posted_invoiced_and_refunded(wanted in orders()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (platform, mut answer) = (Platform::new(), (0, Value::Null));
        let (environment, body) = (wanted.environment(), wanted.offer(&platform));
        runtime.block_on(settle_after(&platform, async || answer = place(&platform, &environment, &body).await));
        prop_assert_eq!(answer.0, 201, "{}", answer.1);
        let order = &platform.orders().all()[0];
        prop_assert_eq!(order.status, domain::order::Status::Processing);
        prop_assert_eq!(&answer.1["total_amount"], &json!(order.total));

        let (of_lines, of_shipping) = wanted.taxes();
        let taxes: Vec<_> = order.lines.iter().filter_map(|line| line.tax).map(|tax| minor(tax.amount)).collect();
        let totals = &order.totals;
        prop_assert_eq!((&taxes, totals.shipping_tax.map(|tax| minor(tax.amount))), (&of_lines, Some(of_shipping)));
        let lines: i64 = wanted.lines.iter().map(|(price, quantity, _)| price * i64::from(*quantity)).sum();
        let tax = of_lines.iter().sum::<i64>() + of_shipping;
        prop_assert_eq!((minor(totals.subtotal), minor(totals.shipping), minor(totals.tax)), (lines, wanted.shipping(), tax));
        prop_assert_eq!(totals.taxes.iter().map(|line| minor(line.amount)).sum::<i64>(), tax);
        let added = if wanted.is_included { 0 } else { tax };
        prop_assert_eq!(minor(order.total), lines + wanted.shipping() + added);

        let payment = platform.payments().for_order(order.id).expect("a payment");
        let charges: Vec<_> = platform.gateway().charges().iter().map(|charge| charge.amount).collect();
        let posted = || platform.ledger().transfers().iter().map(|transfer| transfer.amount).collect::<Vec<_>>();
        prop_assert_eq!((payment.amount, charges, posted()), (order.total, vec![order.total], vec![order.total]));
        let invoice = &platform.invoices().all()[0].draft;
        prop_assert_eq!((invoice.total, &invoice.totals, &invoice.lines), (order.total, totals, &order.lines));

        let part = wanted.money(minor(order.total) * wanted.refunded / 100);
        runtime.block_on(settle_refunds_after(&platform, async || answer = refund(&platform, payment.id, part).await));
        prop_assert_eq!(answer.0, 202, "{}", answer.1);
        let payment = platform.payments().for_order(order.id).expect("a payment");
        let refunds: Vec<_> = platform.gateway().refunds().iter().map(|refund| refund.amount).collect();
        prop_assert_eq!((payment.refunded_amount(), refunds, posted()), (part, vec![part], vec![order.total, part]));
        let notes = platform.invoices().all_credit_notes();
        prop_assert_eq!(notes.iter().map(|note| note.draft.refund.amount).collect::<Vec<_>>(), vec![part]);
        // The share of each tax, half a minor unit rounded up.
        let share = |of: Money| wanted.money((2 * minor(of) * minor(part) + minor(order.total)) / (2 * minor(order.total)));
        let expected: Vec<_> = totals.taxes.iter().map(|line| (line.rate, share(line.taxed), share(line.amount))).collect();
        let found: Vec<_> = notes[0].draft.taxes.iter().map(|line| (line.rate, line.taxed, line.amount)).collect();
        prop_assert_eq!(found, expected);
    }
}
