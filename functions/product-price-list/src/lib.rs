//! `GET /api/v1/products/{id}/prices`: the prices that a product has had, newest first, for staff. Also those of a withdrawn product.

use api::{ListView, PriceView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::ProductIndex;

/// Lists one page of prices.
pub async fn handle(index: &impl ProductIndex, call: Call<NoBody>) -> Result<Reply<ListView<PriceView>>, Failure> {
    let page = call.page()?;
    let found = index.prices(call.path("id")?, page.limit, page.cursor.as_deref()).await?;
    let found = found.ok_or_else(|| Failure::not_found("product"))?;
    Ok(Reply::ok(ListView { items: found.items.iter().map(PriceView::from).collect(), next_cursor: found.next }))
}
