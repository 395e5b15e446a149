//! The catalogue's route. Its store here is the twin in memory, which keeps the same contract as the table of DynamoDB.

use super::{Answer, Ask, moment, refused, route};
use edge::Clock;
use futures_util::future::join_all;
use testkit::{Platform, build};

async fn create(platform: &Platform, ask: &Ask, seed: u64) -> Answer {
    let handler = async |call| product_create::handle(&platform.products(), call).await;
    let clock = Clock::at(moment(), seed);
    edge::http::respond(&route(catalog::PRODUCT_CREATE), ask.0.clone(), &clock, &handler).await.into()
}

#[tokio::test]
async fn concurrent_duplicates_create_one_product_and_get_one_response() {
    let platform = Platform::new();
    let ask = Ask::of(catalog::PRODUCT_CREATE);
    let answers = join_all((1..=8).map(|seed| create(&platform, &ask, seed))).await;
    assert_eq!(answers[0].status, 201);
    answers[1..].iter().for_each(|answer| answer.repeats(&answers[0]));
    assert_eq!(platform.products().all().len(), 1);
}

#[tokio::test]
async fn taken_sku_is_rejected_again_and_its_key_accepts_no_other_product() {
    let platform = Platform::new();
    let ask = Ask::of(catalog::PRODUCT_CREATE);
    let sku = ask.body()["sku"].as_str().expect("an SKU").to_owned();
    platform.products().put(&build::product().number(1).sku(&sku).created());
    let first = create(&platform, &ask, 1).await;
    assert_eq!(first.problem(), refused(409, "sku-taken"));
    create(&platform, &ask, 2).await.repeats(&first);
    let other = ask.with("/sku", "ANOTHER-1");
    assert_eq!(create(&platform, &other, 3).await.problem(), refused(422, "idempotency-key-reused"));
    assert_eq!(create(&platform, &other.key("a-new-key"), 4).await.status, 201);
}
