//! Responses of category-list to its sample events.

use super::{clock, http::assert_responses, sample};
use adapters::{Wiring, config::Config};
use ports::ProductIndex as _;
use testkit::{Platform, build};

#[tokio::test]
async fn category_list_counts_products_on_sale() {
    let platform = Platform::new();
    for n in 1..=2 {
        platform.product_index().track(&build::product().number(n).created()).await.expect("tracked");
    }
    let expected = [("ok", 200, "", ""), ("bad_body_is_ignored", 200, "", "")];
    assert_responses(catalog::CATEGORY_LIST, &expected, async |_, call| {
        let reply = category_list::handle(&platform.product_index(), call).await;
        let categories = platform.product_index().categories().await.expect("the index responds");
        assert_eq!((categories.len(), categories[0].category.as_str(), categories[0].products), (1, "lighting", 2));
        reply
    })
    .await;
}

#[tokio::test]
async fn category_list_may_be_kept_for_a_minute() {
    let (platform, row) = (Platform::new(), catalog::CATEGORY_LIST);
    let route = Wiring::new(row, Config::from_vars([])).route().expect("a route");
    let handler = async |call| category_list::handle(&platform.product_index(), call).await;
    let response = edge::http::respond(&route, sample(row, "ok"), &clock(), &handler).await;
    assert_eq!(response["headers"]["cache-control"], "public, max-age=60");
}
