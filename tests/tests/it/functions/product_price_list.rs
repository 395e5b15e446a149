//! Responses of product-price-list to its sample events.

use super::{PRODUCT, http::assert_responses};
use ports::ProductIndex as _;
use testkit::{Platform, build};

#[tokio::test]
async fn product_price_list_shows_staff_the_prices_of_a_product() {
    let platform = Platform::new();
    platform.product_index().track(&build::product().id(PRODUCT).created()).await.expect("tracked");
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    assert_responses(catalog::PRODUCT_PRICE_LIST, &expected, async |_, call| {
        product_price_list::handle(&platform.product_index(), call).await
    })
    .await;
}
