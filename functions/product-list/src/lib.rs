//! `GET /api/v1/products?ids=`: the products with these ids, in the order of the ids.
//!
//! An id without a product, or of a withdrawn one, is left out. Products come from the table and not from the cache: orders are priced with the answer.

use api::{ListView, ProductView};
use domain::{id::ProductId, order::MAX_LINES};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::ProductStore;

/// Lists products by id.
pub async fn handle(products: &impl ProductStore, call: Call<NoBody>) -> Result<Reply<ListView<ProductView>>, Failure> {
    let ids = parse(&call.query::<String>("ids")?.unwrap_or_default())?;
    let found = products.find(&ids).await?;
    let of = |id: &ProductId| found.iter().find(|product| product.id == *id && product.active).map(ProductView::from);
    Ok(Reply::ok(ListView { items: ids.iter().filter_map(of).collect(), next_cursor: None }))
}

/// The ids, each once.
fn parse(text: &str) -> Result<Vec<ProductId>, Failure> {
    let reject = || Failure::field("?ids", format!("must be 1 to {MAX_LINES} ids of products, separated by commas"));
    let mut ids: Vec<ProductId> = Vec::new();
    for id in text.split(',') {
        let id = id.parse().map_err(|_| reject())?;
        if !ids.contains(&id) {
            ids.push(id);
        }
        if ids.len() > MAX_LINES {
            return Err(reject());
        }
    }
    Ok(ids)
}
