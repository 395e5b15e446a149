//! `GET /api/v1/products/{id}/stock`: the available and reserved units of a product.

use api::StockView;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::StockStore;

/// Returns the stock level.
pub async fn handle(stock: &impl StockStore, call: Call<NoBody>) -> Result<Reply<StockView>, Failure> {
    let level = stock.level(call.path("id")?).await?.ok_or_else(|| Failure::not_found("product"))?;
    Ok(Reply::ok(StockView::from(&level)))
}
