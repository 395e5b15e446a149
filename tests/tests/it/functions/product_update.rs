//! Responses of product-update to its sample events.

use super::{PRODUCT, http::assert_responses, seeded_platform};
use ports::{Cache as _, ProductStore as _, product_cache_key};
use testkit::{Dependency, Platform, build};

async fn respond(platform: &Platform, expected: &[super::http::Expected]) {
    assert_responses(catalog::PRODUCT_UPDATE, expected, async |_, call| {
        product_update::handle(&platform.products(), &platform.cache(), call).await
    })
    .await;
}

#[tokio::test]
async fn product_update_replaces_the_version_that_if_match_names() {
    let platform = seeded_platform();
    platform.cache().put(&product_cache_key(PRODUCT), "null", 60).await;
    let expected = [
        ("remove /headers/if-match", 428, "if-match-missing", ""),
        (r#"set /headers/if-match = "\"2-5\"""#, 412, "precondition-failed", ""),
        (r#"set /headers/if-match = "W/\"1-5\"""#, 412, "precondition-failed", ""),
        ("bad_stock", 422, "validation", "/stock_quantity"),
        ("ok", 200, "", ""),
        ("ok", 412, "precondition-failed", ""),
        (r#"set /headers/if-match = "\"2-0\"""#, 200, "", ""),
        (r#"set /headers/if-match = "*""#, 200, "", ""),
    ];
    respond(&platform, &expected).await;
    let product = platform.products().get(PRODUCT).await.expect("a response").expect("a product");
    assert_eq!((product.name.as_str(), product.price, product.version), ("Storm lantern XL", build::usd(2_499), 4));
    assert_eq!((product.stock_quantity, platform.products().replaced().len()), (5, 3));
    assert_eq!(platform.cache().get(&product_cache_key(PRODUCT)).await, None);
}

#[tokio::test]
async fn product_update_names_the_field_that_is_wrong() {
    let expected = [
        ("ok", 200, "", ""),
        (r#"set /body/sku = "LANTERN-9""#, 422, "validation", "/sku"),
        ("bad_stock", 422, "validation", "/stock_quantity"),
        ("remove /body/name", 422, "validation", "/name"),
        ("set /body/price/amount = -1", 422, "validation", "/price/amount"),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
    ];
    let platform = seeded_platform();
    respond(&platform, &expected).await;
    platform.faults().take_down(Dependency::Table);
    respond(&platform, &[("ok", 503, "unavailable", ""), ("bad_stock", 422, "validation", "/stock_quantity")]).await;
}
