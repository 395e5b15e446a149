//! The synthetic canary on the running stack: set up by its script, run once, and paused again.

use super::stack::{ApiClient, exclusive_stack, run_script};
use domain::canary;

#[tokio::test]
async fn canary_orders_over_the_api_and_leaves_no_open_order() {
    let (_stack, api) = (exclusive_stack().await, ApiClient::new());
    let staff = api.staff().await;
    // With a price, so that it is charged and refunded, too.
    let set_up = run_script("canary", &["--local", "--price", "100"]).await;
    assert!(set_up.status.success(), "{}", String::from_utf8_lossy(&set_up.stderr));
    let path = format!("/api/v1/orders/user/{}", canary::CUSTOMER);
    let orders = api.get(&path).token(&staff).send().await.expect(200);
    let orders = orders["items"].as_array().expect("a list").clone();
    assert!(!orders.is_empty());
    for order in &orders {
        assert_eq!(order["status"], "cancelled", "{order}");
        assert_eq!(order["items"][0]["product_name"], canary::PRODUCT_NAME, "{order}");
    }
    let path = catalog::INVOICE_GET.path_of(orders[0]["id"].as_str().expect("an id"));
    api.get(&path).token(&staff).send().await.problem(404, "not-found");
    let paused = run_script("canary", &["--local", "--pause"]).await;
    assert!(paused.status.success(), "{}", String::from_utf8_lossy(&paused.stderr));
}
