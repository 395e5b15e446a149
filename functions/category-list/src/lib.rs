//! `GET /api/v1/categories`: the categories of the products on sale, by name, with the number of products.

use api::{CategoryView, ListView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::ProductIndex;

/// Lists all categories; there are few.
pub async fn handle(index: &impl ProductIndex, _: Call<NoBody>) -> Result<Reply<ListView<CategoryView>>, Failure> {
    let items = index.categories().await?.iter().map(CategoryView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: None }))
}
