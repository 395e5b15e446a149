//! The route that creates products, over the in-memory fake of its DynamoDB table. Both pass the same contract.

use super::{Request, Response, rejected, route, sample_time};
use edge::Clock;
use futures_util::future::join_all;
use testkit::{Platform, build};

async fn create(platform: &Platform, request: &Request, seed: u64) -> Response {
    let handler = async |call| product_create::handle(&platform.products(), call).await;
    let clock = Clock::at(sample_time(), seed);
    edge::http::respond(&route(catalog::PRODUCT_CREATE), request.0.clone(), &clock, &handler).await.into()
}

#[tokio::test]
async fn concurrent_duplicates_create_one_product_and_get_one_response() {
    let platform = Platform::new();
    let request = Request::of(catalog::PRODUCT_CREATE);
    let responses = join_all((1..=8).map(|seed| create(&platform, &request, seed))).await;
    assert_eq!(responses[0].status, 201);
    responses[1..].iter().for_each(|response| response.repeats(&responses[0]));
    assert_eq!(platform.products().all().len(), 1);
}

#[tokio::test]
async fn taken_sku_is_rejected_again_and_its_key_accepts_no_other_product() {
    let platform = Platform::new();
    let request = Request::of(catalog::PRODUCT_CREATE);
    let sku = request.body()["sku"].as_str().expect("an SKU").to_owned();
    platform.products().put(&build::product().number(1).sku(&sku).created());
    let first = create(&platform, &request, 1).await;
    assert_eq!(first.problem(), rejected(409, "sku-taken"));
    create(&platform, &request, 2).await.repeats(&first);
    let other = request.with("/sku", "ANOTHER-1");
    assert_eq!(create(&platform, &other, 3).await.problem(), rejected(422, "idempotency-key-reused"));
    assert_eq!(create(&platform, &other.key("a-new-key"), 4).await.status, 201);
}
