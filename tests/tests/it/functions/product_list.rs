//! Responses of product-list to its sample events.

use super::{PRODUCT, clock, http::assert_responses, sample};
use adapters::{Wiring, config::Config};
use domain::order::MAX_LINES;
use serde_json::{Value, json};
use testkit::{Platform, build, ids};

async fn list(platform: &Platform, ids: &str) -> Value {
    let route = Wiring::new(catalog::PRODUCT_LIST, Config::from_vars([])).route().expect("a route");
    let handler = async |call| product_list::handle(&platform.products(), call).await;
    let mut event = sample(catalog::PRODUCT_LIST, "ok");
    event["rawQueryString"] = json!(format!("ids={ids}"));
    event["queryStringParameters"]["ids"] = json!(ids);
    edge::http::respond(&route, event, &clock(), &handler).await
}

fn found(response: &Value) -> Vec<String> {
    let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let items = body["items"].as_array().unwrap_or_else(|| panic!("{response}")).iter();
    items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn product_list_returns_products_by_id() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_ids", 422, "validation", "?ids"),
        (r#"set /rawQueryString = """#, 422, "validation", "?ids"),
    ];
    let platform = Platform::new();
    platform.products().put(&build::product().id(PRODUCT).created());
    assert_responses(catalog::PRODUCT_LIST, &expected, async |_, call| {
        product_list::handle(&platform.products(), call).await
    })
    .await;
}

#[tokio::test]
async fn product_list_leaves_out_unknown_ids_and_repetitions() {
    let platform = Platform::new();
    for n in 1..=2 {
        platform.products().put(&build::product().number(n).created());
    }
    let wanted = [2, 9, 1, 2].map(|n| ids::product(n).to_string()).join(",");
    assert_eq!(found(&list(&platform, &wanted).await), [2, 1].map(|n| ids::product(n).to_string()));
    assert_eq!(found(&list(&platform, &ids::product(9).to_string()).await), [""; 0]);
}

#[tokio::test]
async fn product_list_is_limited_to_the_lines_of_an_order() {
    let platform = Platform::new();
    let ids = |count: u64| (1..=count).map(|n| ids::product(n).to_string()).collect::<Vec<_>>().join(",");
    let most = u64::try_from(MAX_LINES).expect("few");
    assert_eq!(list(&platform, &ids(most)).await["statusCode"], 200);
    assert_eq!(list(&platform, &ids(most + 1)).await["statusCode"], 422);
}
