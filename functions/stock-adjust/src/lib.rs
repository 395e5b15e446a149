//! `PATCH /api/v1/products/{id}/stock`: adjusts the stock of a product by a number of units, with a reason.
//!
//! Returns 200 with the new level, or 409 if fewer units are available than would be removed. A repeated `Idempotency-Key` replays the
//! first response, which may be a rejection. A missing stock account (404) is not stored, because the account may be opened at any time.

use api::StockView;
use domain::{
    event::{StockAdjusted, StockLevel},
    id::ProductId,
    stock::{self, AdjustStock},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{StockAdjustments, StockStore};
use services::retry_on_conflict;

/// Higher than for orders and payments, because orders often change the stock level of a popular product.
const MAX_RETRIES: u32 = 10;

pub async fn handle(
    stock: &(impl StockStore + StockAdjustments),
    call: Call<AdjustStock>,
) -> Result<Reply<StockView>, Failure> {
    let (command, call) = call.into_parts();
    command.check()?;
    let product: ProductId = call.path("id")?;
    let key = call.idempotency_key()?;
    retry_on_conflict(MAX_RETRIES, "stock", async || {
        let level = stock.level(product).await?.ok_or_else(|| Failure::not_found("product"))?;
        let store = async |problem: &_| stock.store_response(key, problem).await;
        let commit = async |(after, adjusted): (StockLevel, StockAdjusted), reply: &_| {
            let event = call.event(product, after.sequence()?, adjusted);
            stock.adjust(key, reply, command, &after, &event).await
        };
        call.commit_idempotently(stock::adjust(&level, command).map(ok), store, commit).await
    })
    .await
}

fn ok((after, adjusted): (StockLevel, StockAdjusted)) -> ((StockLevel, StockAdjusted), Reply<StockView>) {
    let reply = Reply::ok(StockView::from(&after));
    ((after, adjusted), reply)
}
