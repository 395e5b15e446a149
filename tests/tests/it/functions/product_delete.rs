//! Responses of product-delete to its sample events, and what a withdrawn product is to others.

use super::{PRODUCT, customer, http::assert_responses, seeded_platform};
use domain::order::{OrderLimits, ProductSnapshot, Rates};
use ports::{Cache as _, ProductStore as _, product_cache_key};
use testkit::Platform;

async fn respond(platform: &Platform, expected: &[super::http::Expected]) {
    assert_responses(catalog::PRODUCT_DELETE, expected, async |_, call| {
        product_delete::handle(&platform.products(), &platform.cache(), call).await
    })
    .await;
}

#[tokio::test]
async fn product_delete_withdraws_a_product_once() {
    let platform = seeded_platform();
    platform.cache().put(&product_cache_key(PRODUCT), "null", 60).await;
    let expected = [
        ("bad_customer", 403, "forbidden", ""),
        (r#"set /headers/if-match = "\"2-5\"""#, 412, "precondition-failed", ""),
        ("ok", 204, "", ""),
        ("ok", 404, "not-found", ""),
        ("remove /headers/if-match", 404, "not-found", ""),
    ];
    respond(&platform, &expected).await;
    let product = platform.products().get(PRODUCT).await.expect("a response").expect("a product");
    assert_eq!((product.active, product.version, product.sku.as_str()), (false, 2, "LANTERN-0"));
    assert_eq!(platform.cache().get(&product_cache_key(PRODUCT)).await, None);
}

#[tokio::test]
async fn withdrawn_product_is_not_shown() {
    let platform = seeded_platform();
    respond(
        &platform,
        &[
            ("remove /headers/if-match", 204, "", ""),
            ("ok", 404, "not-found", ""),
            ("bad_customer", 403, "forbidden", ""),
        ],
    )
    .await;
    let missing = ["ok", "bad_id", "bad_unknown"].map(|case| (case, 404, "not-found", ""));
    assert_responses(catalog::PRODUCT_GET, &missing, async |_, call| {
        product_get::handle(&platform.products(), &platform.cache(), call).await
    })
    .await;
}

#[tokio::test]
async fn withdrawn_product_is_not_ordered_whether_the_copy_knows_it_or_not() {
    let platform = seeded_platform();
    platform.users().put(&customer(), "correct horse battery");
    respond(&platform, &[("ok", 204, "", ""), ("bad_customer", 403, "forbidden", "")]).await;
    let withdrawn = platform.products().get(PRODUCT).await.expect("a response").expect("a product");
    for copied in [None, Some(withdrawn.snapshot())] {
        copied.iter().for_each(|snapshot: &ProductSnapshot| platform.orders().put_price(snapshot));
        let route = adapters::Wiring::new(catalog::ORDER_PLACE, adapters::config::Config::from_vars([])).route();
        let handler = async |call| {
            order_place::handle(
                &platform.orders(),
                &platform.product_snapshots(),
                (OrderLimits::default(), &Rates::default()),
                call,
            )
            .await
        };
        let event = super::sample(catalog::ORDER_PLACE, "ok");
        let response = edge::http::respond(&route.expect("a route"), event, &super::clock(), &handler).await;
        assert_eq!(response["statusCode"], 422, "{response}");
    }
    assert!(platform.orders().all().is_empty());
}
