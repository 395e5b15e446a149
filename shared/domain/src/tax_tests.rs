//! Tests of tax rates and of rounding.

use super::*;
use serde_json::json;

const RATES: &str = "DE:included:19,books:7,shipping:7;US-NY:added:8.875,clothing:0;US:added:0";

fn rates() -> TaxRates {
    TaxRates::parse(RATES, Rounding::HalfUp).expect("valid")
}

fn address(country: &str, region: Option<&str>) -> Address {
    let address = json!({ "line1": "1 Pier", "city": "Town", "postal_code": "10115", "country": country });
    let mut address = address.as_object().cloned().expect("an object");
    address.extend(region.map(|region| ("region".to_owned(), json!(region))));
    serde_json::from_value(address.into()).expect("an address")
}

fn category(name: &str) -> Category {
    Category::parse(name).expect("valid")
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, code).expect("valid")
}

#[test]
fn rate_is_a_percentage_with_at_most_three_decimals() {
    for (text, thousandths) in
        [("0", 0), ("19", 19_000), ("8.875", 8_875), ("7.5", 7_500), ("0.05", 50), ("100", 100_000)]
    {
        let rate = TaxRate::parse(text).expect(text);
        assert_eq!((rate.thousandths(), rate.to_string().as_str()), (thousandths, text));
    }
    for bad in ["", ".", "1.", ".5", "-1", "1e1", "100.001", "8.8755", "19%", "١٩", "1000"] {
        assert!(TaxRate::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn rates_of_a_region_come_before_those_of_its_country() {
    let rates = rates();
    let standard = |country, region| {
        let rates = rates.at(&address(country, region)).expect("an area");
        rates.map(|rates| (rates.is_included, rates.of(&category("lighting")).to_string()))
    };
    assert_eq!(standard("US", Some("NY")), Some((false, "8.875".to_owned())));
    assert_eq!(standard("US", Some("CA")), Some((false, "0".to_owned())));
    assert_eq!(standard("DE", Some("Hamburg")), Some((true, "19".to_owned())));
    assert_eq!(standard("FR", None), None);
}

#[test]
fn region_must_be_a_code_where_taxes_depend_on_it() {
    let failure = rates().at(&address("US", Some("New York"))).expect_err("not a code");
    assert!(failure.starts_with("must be the code of a region"), "{failure}");
}

#[test]
fn categories_and_shipping_have_rates_of_their_own() {
    let rates = rates();
    let germany = rates.at(&address("DE", None)).expect("an area").expect("rates");
    let of = |name: &str| germany.of(&category(name)).to_string();
    assert_eq!((of("books"), of("lighting"), germany.of_shipping().to_string()), ("7".into(), "19".into(), "7".into()));
    let new_york = rates.at(&address("US", Some("NY"))).expect("an area").expect("rates");
    assert_eq!(new_york.of_shipping().to_string(), "8.875");
}

#[test]
fn tax_is_included_in_the_price_or_added_to_it() {
    let rates = rates();
    let germany = rates.at(&address("DE", None)).expect("an area").expect("rates");
    let new_york = rates.at(&address("US", Some("NY"))).expect("an area").expect("rates");
    let tax = |area: &AreaRates, price, rate: &str, rounding| {
        area.tax(price, TaxRate::parse(rate).expect("valid"), rounding).expect("a tax").amount
    };
    assert_eq!(tax(germany, money(11_900, "EUR"), "19", Rounding::HalfUp), money(1_900, "EUR"));
    assert_eq!(tax(germany, money(1_999, "EUR"), "19", Rounding::HalfUp), money(319, "EUR"));
    assert_eq!(tax(new_york, money(1_999, "USD"), "8.875", Rounding::HalfUp), money(177, "USD"));
}

#[test]
fn half_a_minor_unit_is_rounded_up_or_to_the_even_neighbour() {
    let rates = rates();
    let area = rates.at(&address("US", Some("NY"))).expect("an area").expect("rates");
    let half = TaxRate::parse("50").expect("valid");
    for (price, up, even) in [(1, 1, 0), (2, 1, 1), (3, 2, 2), (5, 3, 2), (7, 4, 4)] {
        let tax = |rounding| area.tax(money(price, "JPY"), half, rounding).map(|tax| tax.amount);
        assert_eq!(tax(Rounding::HalfUp), Ok(money(up, "JPY")), "{price}");
        assert_eq!(tax(Rounding::HalfEven), Ok(money(even, "JPY")), "{price}");
    }
}

#[test]
fn configuration_that_is_not_valid_names_its_row() {
    for bad in [
        "DE",
        "DE:19",
        "DE:maybe:19",
        "DE:included:",
        "DE:included:101",
        "DE:included:19,books",
        "DE:included:19,Books:7",
        "XX:included:19",
        "US-:added:1",
        "US-new york:added:1",
        "DE:included:19;DE:included:7",
    ] {
        let error = TaxRates::parse(bad, Rounding::HalfUp).expect_err(bad);
        assert!(error.contains("DE") || error.contains("US") || error.contains("XX"), "{error}");
    }
    assert_eq!(TaxRates::parse("", Rounding::HalfUp), Ok(TaxRates::default()));
}
