//! `DELETE /api/v1/products/{id}/images/{image_id}`: staff delete an image of a product, whatever its state.
//!
//! The objects go first, so that a request that failed half-way is completed by repeating it.

use domain::{
    id::{ImageId, ProductId},
    image, product,
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{Cache, ImageObjects, ProductStore, product_cache_key};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

pub async fn handle(
    products: &impl ProductStore,
    cache: &impl Cache,
    objects: &impl ImageObjects,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let (id, image): (ProductId, ImageId) = (call.path("id")?, call.path("image_id")?);
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "product", async || {
        let known = products.get(id).await?.ok_or_else(|| Failure::not_found("product"))?;
        let changed = product::remove_image(&known, image, call.now)?.by(call.principal.as_ref());
        objects.delete(&image::keys(id, image)).await?;
        Ok(products.replace(&changed).await?.then_some(()))
    })
    .await?;
    cache.invalidate(&product_cache_key(id)).await;
    Ok(Reply::no_content())
}
