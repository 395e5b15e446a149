//! `DELETE /api/v1/products/{id}`: staff withdraw a product from sale permanently.
//!
//! Returns 204; 404 for a product that is withdrawn already. Its SKU stays taken, and orders that were placed go on. An `If-Match` is
//! honoured, and not required.

use api::ProductView;
use domain::{id::ProductId, product};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{Cache, ProductStore, product_cache_key};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

/// Withdraws one product. The table's change stream publishes it.
pub async fn handle(
    products: &impl ProductStore,
    cache: &impl Cache,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let (id, wanted): (ProductId, _) = (call.path("id")?, call.optional_if_match()?);
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "product", async || {
        let known = products.get(id).await?.ok_or_else(|| Failure::not_found("product"))?;
        let withdrawn = product::withdraw(&known, call.now)?.by(call.principal.as_ref());
        let is_wanted = |tag: &str| ProductView::is_tag_of(tag, known.version);
        if wanted.as_ref().is_some_and(|wanted| !wanted.matches_any(is_wanted)) {
            return Err(product::version_mismatch());
        }
        Ok(products.replace(&withdrawn).await?.then_some(()))
    })
    .await?;
    cache.invalidate(&product_cache_key(id)).await;
    Ok(Reply::no_content())
}
