//! `PATCH /api/v1/products/{id}/stock`: books pieces of a product in or out, with the reason.
//!
//! 200 with the level after it; 409 when more would go than are free; the first answer again for a repeated `Idempotency-Key`. A
//! refusal is kept as the answer, too; only that there is no such product is not, for its account may be on its way.

use api::StockView;
use domain::{
    event::{self, StockAdjusted, StockLevel},
    id::ProductId,
    stock::{self, AdjustStock},
};
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, IdempotencyKey};
use ports::{StockAdjustments, StockStore};

/// How often the level is read again when something else moved it: orders for a product in demand move it often.
const RACES: u32 = 10;

/// Books one adjustment.
pub async fn handle(
    store: &(impl StockStore + StockAdjustments),
    call: Call<AdjustStock>,
) -> Result<Reply<StockView>, Failure> {
    let (wish, call) = call.into_parts();
    wish.check()?;
    let product: ProductId = call.path("id")?;
    let key = call.idempotency_key()?.clone();
    for _ in 0..=RACES {
        let level = store.level(product).await?.ok_or_else(|| Failure::not_found("product"))?;
        if let Some(reply) = book(store, &level, wish, &key, &call).await? {
            return Ok(reply);
        }
    }
    Err(Failure::unavailable("stock", "orders moved it each time"))
}

/// `None` when the level has moved since it was read.
async fn book(
    store: &impl StockAdjustments,
    level: &StockLevel,
    wish: AdjustStock,
    key: &IdempotencyKey,
    call: &Call<NoBody>,
) -> Result<Option<Reply<StockView>>, Failure> {
    let after = match stock::adjust(level, wish) {
        Ok(after) => after,
        Err(refusal) => {
            let settled = store.store_rejection(key, &call.problem(&refusal)).await?;
            return Reply::rejected(refusal, settled).map(Some);
        }
    };
    let version = u64::try_from(after.version).map_err(Failure::internal)?;
    let (product_id, AdjustStock { delta, reason }) = (level.product_id, wish);
    let adjusted = StockAdjusted { product_id, delta, reason, levels: vec![after.clone()] };
    let event = event::wrap(call.ids.next(), product_id, version, call.now, &call.trace, adjusted);
    let reply = Reply::ok(StockView::from(&after));
    let settled = store.adjust(key, &reply.to_stored()?, wish, &after, &event).await?;
    Ok(settled.map(|settled| reply.or_replay(settled)))
}
