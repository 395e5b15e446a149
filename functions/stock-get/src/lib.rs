//! `GET /api/v1/products/{id}/stock`: what of a product is free, and what is held.

use api::StockView;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::StockStore;

/// Shows a level.
pub async fn handle(stock: &impl StockStore, call: Call<NoBody>) -> Result<Reply<StockView>, Failure> {
    let level = stock.level(call.path("id")?).await?.ok_or_else(|| Failure::not_found("product"))?;
    Ok(Reply::ok(StockView::from(&level)))
}
