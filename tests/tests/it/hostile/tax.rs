//! Tax and shipping: computed once, when an order is placed, and the same in the charge, the ledger and the invoice.

use super::totals::place;
use crate::functions::{USER, sample_time};
use domain::{
    Money,
    money::Rounding,
    order::{OrderLimits, Rates},
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
use testkit::{Platform, build, ids};

const PLACE: Route = Route::new(catalog::ORDER_PLACE.name, Access::Roles(&[catalog::role::CUSTOMER])).idempotent();

fn rates(tax: &str, rounding: Rounding) -> Rates {
    Rates {
        tax: TaxRates::parse(tax, rounding).expect("rates"),
        shipping: ShippingRates::parse("standard:free;express:EUR:1290,USD:1500,JPY:900").expect("methods"),
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
    let request = testing::http_event("POST", "/api/v1/orders").key("k").body(body);
    let request = request.principal(USER.0, catalog::role::CUSTOMER).build();
    let rates = rates("DE:included:19,books:7;US:added:0;US-NY:added:8.875", Rounding::HalfUp);
    let (orders, offers, clock) = (platform.orders(), platform.product_snapshots(), Clock::at(sample_time(), 7));
    let handler = async |call| order_place::handle(&orders, &offers, (OrderLimits::default(), &rates), call).await;
    let response = edge::http::respond(&PLACE, request, &clock, &handler).await;
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

/// A tax rate in thousandths of a percent, as text.
fn rate() -> impl Strategy<Value = String> {
    (0..=40_000_u32).prop_map(|rate| format!("{}.{:03}", rate / 1_000, rate % 1_000))
}

prop_compose! {
    /// An order of one to five products to one of three areas, with rates of the area.
    fn orders()(
        prices in prop::collection::vec((1..=20_000_i64, 1..=9_u32), 1..=5),
        area in prop::sample::select(vec![("DE", "HH", "EUR"), ("US", "NY", "USD"), ("JP", "13", "JPY")]),
        (standard, lighting, shipping) in (rate(), rate(), rate()),
        is_included: bool,
        rounding in prop::sample::select(Rounding::ALL.to_vec()),
        method in prop::sample::select(vec!["standard", "express"]),
    ) -> build::OrderBuilder {
        let (country, region, currency) = area;
        let kind = if is_included { "included" } else { "added" };
        let tax = format!("{country}:{kind}:{standard},lighting:{lighting},shipping:{shipping}");
        let order = build::order().rates(rates(&tax, rounding)).address(address(country, region)).shipping_method(method);
        prices.into_iter().zip(1..).fold(order, |order, ((price, quantity), n)| {
            // At least what the gateway charges.
            order.line_of(ids::product(n), quantity, Money::new(price + 100, currency).expect("valid"))
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn total_of_an_order_is_what_is_charged_posted_and_invoiced(builder in orders()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let platform = Platform::new();
        runtime.block_on(place(&platform, &builder));
        let order = &platform.orders().all()[0];
        prop_assert_eq!(order.status, domain::order::Status::Processing);
        let minor = |money: Money| money.amount.get();
        let lines: i64 = order.lines.iter().map(|line| minor(line.line_total)).sum();
        let taxes: i64 = order.lines.iter().filter_map(|line| line.tax).map(|tax| minor(tax.amount)).sum();
        let totals = &order.totals;
        let tax = taxes + totals.shipping_tax.map_or(0, |tax| minor(tax.amount));
        prop_assert_eq!((minor(totals.subtotal), minor(totals.tax)), (lines, tax));
        prop_assert_eq!(totals.taxes.iter().map(|line| minor(line.amount)).sum::<i64>(), tax);
        let added = if totals.tax_included { 0 } else { tax };
        prop_assert_eq!(minor(order.total), lines + minor(totals.shipping) + added);

        let payment = platform.payments().for_order(order.id).expect("a payment");
        let charges: Vec<_> = platform.gateway().charges().iter().map(|charge| charge.amount).collect();
        let transfers: Vec<_> = platform.ledger().transfers().iter().map(|transfer| transfer.amount).collect();
        prop_assert_eq!((payment.amount, charges, transfers), (order.total, vec![order.total], vec![order.total]));
        let invoice = &platform.invoices().all()[0].draft;
        prop_assert_eq!((invoice.total, &invoice.totals, &invoice.lines), (order.total, totals, &order.lines));
    }
}
