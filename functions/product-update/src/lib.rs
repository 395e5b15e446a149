//! `PUT /api/v1/products/{id}`: staff replace what they state about a product. Its stock has a route of its own.
//!
//! `If-Match` names the version to change: 428 without it, 412 for another version. A stock figure that has changed since does not count.

use api::ProductView;
use domain::{
    id::ProductId,
    product::{self, Product, UpdateProduct},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Cache, ProductStore, product_cache_key};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

/// Changes one product. The table's change stream publishes the change.
pub async fn handle(
    products: &impl ProductStore,
    cache: &impl Cache,
    call: Call<UpdateProduct>,
) -> Result<Reply<ProductView>, Failure> {
    let (id, wanted): (ProductId, _) = (call.path("id")?, call.if_match()?);
    let updated = retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "product", async || {
        let known = products.get(id).await?.ok_or_else(|| Failure::not_found("product"))?;
        let updated: Product = product::update(&known, call.body.clone(), call.now)?.by(call.principal.as_ref());
        if !wanted.matches_any(|tag| ProductView::is_tag_of(tag, known.version)) {
            return Err(product::version_mismatch());
        }
        Ok(products.replace(&updated).await?.then_some(updated))
    })
    .await?;
    cache.invalidate(&product_cache_key(id)).await;
    let view = ProductView::from(&updated);
    let tag = view.etag();
    Ok(Reply::ok(view).etag(tag))
}
