//! `GET /api/v1/products/{id}/stock/movements`: the history of a stock account, newest first, for staff.

use api::{ListView, MovementView};
use domain::id::ProductId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{StockMovements, StockStore};

/// Lists one page of movements; 404 for a product without a stock account.
pub async fn handle(
    stock: &(impl StockStore + StockMovements),
    call: Call<NoBody>,
) -> Result<Reply<ListView<MovementView>>, Failure> {
    let product: ProductId = call.path("id")?;
    let page = call.page()?;
    let found = stock.movements(product, page.limit, page.cursor.as_deref()).await?;
    if found.items.is_empty() && stock.level(product).await?.is_none() {
        return Err(Failure::not_found("product"));
    }
    Ok(Reply::ok(ListView::of(&found)))
}
