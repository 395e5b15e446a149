//! `GET /api/v1/categories`: the categories of the products on sale, by name, with the number of products.
//!
//! The products are counted for each answer, so that clients and caches keep it for a minute.

use api::{CategoryView, ListView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::ProductIndex;

/// Seconds for which clients and caches may keep the answer.
const CACHE_SECONDS: u32 = 60;

/// Lists all categories; there are few.
pub async fn handle(index: &impl ProductIndex, _: Call<NoBody>) -> Result<Reply<ListView<CategoryView>>, Failure> {
    let items = index.categories().await?.iter().map(CategoryView::from).collect();
    let reply = Reply::ok(ListView { items, next_cursor: None });
    Ok(reply.cache_control(format!("public, max-age={CACHE_SECONDS}")))
}
