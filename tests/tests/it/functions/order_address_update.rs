//! Responses of order-address-update to its sample events.

use super::{ORDER, assert_all_samples_run, confirmed, http::assert_responses, seeded_platform};
use ports::OrderStore;

#[tokio::test]
async fn order_address_update_changes_the_expected_version_within_its_tax_area() {
    assert_all_samples_run(catalog::ORDER_ADDRESS_UPDATE, &["ok", "bad_unknown_field"]);
    let expected = [
        ("bad_unknown_field", 422, "validation", "/planet"),
        ("remove /headers/if-match", 428, "if-match-missing", ""),
        (r#"set /headers/if-match = "\"2\"""#, 412, "precondition-failed", ""),
        (r#"set /body/country = "DE""#, 422, "validation", "/country"),
        (r#"set /body/region = "NY""#, 422, "validation", "/region"),
        ("remove /requestContext/authorizer", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-000000000009""#, 404, "not-found", ""),
        ("ok", 200, "", ""),
        // The version has changed.
        ("ok", 412, "precondition-failed", ""),
        (r#"set /requestContext/authorizer/lambda/role = "staff"; set /headers/if-match = "\"4\"""#, 200, "", ""),
    ];
    let platform = seeded_platform();
    platform.orders().put(&confirmed().0);
    assert_responses(catalog::ORDER_ADDRESS_UPDATE, &expected, async |_, call| {
        order_address_update::handle(&platform.orders(), call).await
    })
    .await;
    let order = platform.orders().get(ORDER, None).await.expect("the store responds").expect("an order");
    assert_eq!((order.shipping_address.line1.as_str(), order.version), ("2 Pier", 4));
    assert_eq!(platform.bus().published(), []);
}
