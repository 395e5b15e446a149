//! Responses of product-list to its sample events.

use super::{PRODUCT, clock, http::assert_responses, sample};
use adapters::{Wiring, config::Config};
use domain::order::MAX_LINES;
use ports::ProductIndex as _;
use serde_json::{Value, json};
use testkit::{Platform, build, ids};

async fn list(platform: &Platform, ids: &str) -> Value {
    let route = Wiring::new(catalog::PRODUCT_LIST, Config::from_vars([])).route().expect("a route");
    let handler = async |call| product_list::handle(&platform.products(), &platform.product_index(), call).await;
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
async fn product_list_names_the_parameter_that_is_wrong() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_ids", 422, "validation", "?ids"),
        ("ok_search", 200, "", ""),
        (r#"set /rawQueryString = """#, 200, "", ""),
        (r#"set /rawQueryString = "ids=""#, 422, "validation", "?ids"),
        (r#"set /rawQueryString = "ids=0192f0c1-0000-7000-8000-0000000000a1&limit=3""#, 422, "validation", "?limit"),
        (r#"set /rawQueryString = "q=%20-""#, 422, "validation", "?q"),
        (r#"set /rawQueryString = "q=a&q=b""#, 422, "validation", "?q"),
        (r#"set /rawQueryString = "category=No%20Such""#, 422, "validation", "?category"),
        (r#"set /rawQueryString = "min_price=-1""#, 422, "validation", "?min_price"),
        (r#"set /rawQueryString = "min_price=1.5""#, 422, "validation", "?min_price"),
        (r#"set /rawQueryString = "min_price=6&max_price=5""#, 422, "validation", "?min_price"),
        (r#"set /rawQueryString = "currency=usd""#, 422, "validation", "?currency"),
        (r#"set /rawQueryString = "available=yes""#, 422, "validation", "?available"),
        (r#"set /rawQueryString = "low_stock=5""#, 422, "validation", "?low_stock"),
        (r#"set /rawQueryString = "sort=sku""#, 422, "validation", "?sort"),
        (r#"set /rawQueryString = "sort=relevance""#, 422, "validation", "?sort"),
        (r#"set /rawQueryString = "limit=101""#, 422, "validation", "?limit"),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    let platform = Platform::new();
    platform.products().put(&build::product().id(PRODUCT).created());
    assert_responses(catalog::PRODUCT_LIST, &expected, async |_, call| {
        product_list::handle(&platform.products(), &platform.product_index(), call).await
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

/// The names of the products that a query finds, and whether there are more.
async fn search(platform: &Platform, query: &str) -> (Vec<String>, Option<String>) {
    let route = Wiring::new(catalog::PRODUCT_LIST, Config::from_vars([])).route().expect("a route");
    let handler = async |call| product_list::handle(&platform.products(), &platform.product_index(), call).await;
    let mut event = sample(catalog::PRODUCT_LIST, "ok");
    event["rawQueryString"] = json!(query);
    let response = edge::http::respond(&route, event, &clock(), &handler).await;
    let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let items = body["items"].as_array().unwrap_or_else(|| panic!("{response}")).iter();
    let names = items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect();
    (names, body["next_cursor"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn product_list_filters_searches_sorts_and_pages() {
    let platform = Platform::new();
    for (n, name, price) in [(1, "Storm lantern", 1_999), (2, "Lantern oil", 500), (3, "Anchor", 9_900)] {
        let product =
            build::product().number(n).name(name).price(build::usd(price)).stock(u32::try_from(n - 1).expect("few"));
        platform.product_index().track(&product.created()).await.expect("tracked");
    }
    let platform = &platform;
    let names = async |query: &str| search(platform, query).await.0;
    assert_eq!(names("sort=price").await, ["Lantern oil", "Storm lantern", "Anchor"]);
    assert_eq!(names("q=lantern&sort=-price").await, ["Storm lantern", "Lantern oil"]);
    assert_eq!(names("q=lantrn+oil").await, ["Lantern oil"]);
    assert_eq!(names("min_price=500&max_price=1999&available=true").await, ["Lantern oil"]);
    assert_eq!(names("low_stock=false").await, [""; 0]);
    assert_eq!(names("low_stock=true&available=true&sort=price").await, ["Lantern oil", "Anchor"]);
    assert_eq!(names("category=deck").await, [""; 0]);
    let (first, cursor) = search(platform, "sort=name&limit=2").await;
    assert_eq!(first, ["Anchor", "Lantern oil"]);
    let rest = search(platform, &format!("sort=name&limit=2&cursor={}", cursor.expect("another page"))).await;
    assert_eq!(rest, (vec!["Storm lantern".to_owned()], None));
}
