//! `PATCH /api/v1/products/{id}/stock`: adjusts the stock of a product by a number of units, with a reason.
//!
//! Returns 200 with the new level, or 409 if fewer units are available than would be removed. A repeated `Idempotency-Key` replays the
//! first response, which may be a rejection. That the product has no stock account is not stored: it may be opened at any moment.

use api::StockView;
use domain::{
    event::{StockAdjusted, StockLevel},
    id::ProductId,
    stock::{self, AdjustStock},
};
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, IdempotencyKey};
use ports::{StockAdjustments, StockStore};
use services::retry_on_conflict;

/// More than for orders and payments: orders change the level of a popular product often.
const MAX_RETRIES: u32 = 10;

/// Makes one adjustment.
pub async fn handle(
    store: &(impl StockStore + StockAdjustments),
    call: Call<AdjustStock>,
) -> Result<Reply<StockView>, Failure> {
    let (command, call) = call.into_parts();
    command.check()?;
    let product: ProductId = call.path("id")?;
    let key = call.idempotency_key()?;
    retry_on_conflict(MAX_RETRIES, "stock", async || {
        let level = store.level(product).await?.ok_or_else(|| Failure::not_found("product"))?;
        adjust(store, &level, command, key, &call).await
    })
    .await
}

/// `None` if the level changed since it was read.
async fn adjust(
    store: &impl StockAdjustments,
    level: &StockLevel,
    command: AdjustStock,
    key: &IdempotencyKey,
    call: &Call<NoBody>,
) -> Result<Option<Reply<StockView>>, Failure> {
    let after = match stock::adjust(level, command) {
        Ok(after) => after,
        Err(rejection) => {
            let store_rejection = async |problem: &_| store.store_rejection(key, problem).await;
            return call.reject(rejection, store_rejection).await.map(Some);
        }
    };
    let version = u64::try_from(after.version).map_err(Failure::internal)?;
    let (product_id, AdjustStock { delta, reason }) = (level.product_id, command);
    let adjusted = StockAdjusted { product_id, delta, reason, levels: vec![after.clone()] };
    let event = call.event(product_id, version, adjusted);
    let reply = Reply::ok(StockView::from(&after));
    let outcome = store.adjust(key, &reply.to_stored()?, command, &after, &event).await?;
    Ok(outcome.map(|outcome| reply.or_replay(outcome)))
}
