//! `GET /api/v1/products/{id}/stock/movements`: what moved the stock of a product, newest first, for the back office.

use api::{ListView, MovementView};
use domain::id::ProductId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{StockMovements, StockStore};

/// Lists a page of movements. A product without an account is not to be found.
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
    let items = found.items.iter().map(MovementView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}
