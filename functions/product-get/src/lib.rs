//! `GET /api/v1/products/{id}`: one product, read through the cache; 404 for a withdrawn one. It works without the cache, but slower.

use api::ProductView;
use domain::id::ProductId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{Cache, ProductStore, product_cache_key};

/// Seconds for which a product is cached.
const CACHE_SECONDS: u32 = 300;
/// Seconds for which a missing product is cached.
const CACHE_NEGATIVE_SECONDS: u32 = 30;

pub async fn handle(
    products: &impl ProductStore,
    cache: &impl Cache,
    call: Call<NoBody>,
) -> Result<Reply<ProductView>, Failure> {
    let id: ProductId = call.path("id")?;
    let key = product_cache_key(id);
    if let Some(cached) = cache.get(&key).await.and_then(|json| serde_json::from_str(&json).ok()) {
        return respond(cached);
    }
    let view = products.get(id).await?.filter(|product| product.active).map(|product| ProductView::from(&product));
    let ttl = if view.is_some() { CACHE_SECONDS } else { CACHE_NEGATIVE_SECONDS };
    cache.put(&key, &serde_json::to_string(&view).map_err(Failure::internal)?, ttl).await;
    respond(view)
}

/// `None`, for a product that does not exist, is cached as well, as `null`.
fn respond(view: Option<ProductView>) -> Result<Reply<ProductView>, Failure> {
    let view = view.ok_or_else(|| Failure::not_found("product"))?;
    let tag = view.etag();
    Ok(Reply::ok(view).etag(tag))
}
