//! Processes an uploaded image: stores its variants, or quarantines it with the reason.
//!
//! S3 invokes it, perhaps twice. Variants are stored before the product shows them, and the upload is deleted last: an invocation that
//! failed half-way is completed by the next one, and one that comes after that finds nothing to do.

use domain::{
    id::{ImageId, ProductId},
    image::{self, MAX_BYTES, MediaType, Refusal, State},
    product,
};
use edge::objects::Object;
use kernel::Failure;
use ports::{ImageObjects, ImageProcessor, ProductStore};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

pub async fn handle(
    products: &impl ProductStore,
    objects: &impl ImageObjects,
    processor: &impl ImageProcessor,
    object: Object,
) -> Result<(), Failure> {
    let Some((id, image)) = image::parse_upload_key(&object.key) else {
        return Err(Failure::not_found("image of this key"));
    };
    let upload = [object.key.clone()];
    let Some(announced) = announced(products, id, image).await? else { return objects.delete(&upload).await };
    // One byte more shows that it is too large.
    let Some(bytes) = objects.read(&object.key, MAX_BYTES + 1).await? else { return Ok(()) };
    let outcome = store(objects, processor, (id, image), announced, bytes).await?;
    let is_wanted = retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "product", async || {
        let known = products.get(id).await?;
        let Some(concluded) = known.and_then(|known| product::conclude_image(&known, image, outcome, object.now))
        else {
            return Ok(Some(false));
        };
        Ok(products.replace(&concluded).await?.then_some(true))
    })
    .await?;
    let is_gone = !is_wanted && self::is_gone(products, id, image).await?;
    // Staff have deleted the image meanwhile: what has just been stored goes, too.
    let unwanted = if is_gone { image::keys(id, image) } else { upload.into() };
    objects.delete(&unwanted).await
}

/// The type of an image that is pending; `None` for another one.
async fn announced(products: &impl ProductStore, id: ProductId, image: ImageId) -> Result<Option<MediaType>, Failure> {
    let Some(product) = products.get(id).await?.filter(|product| product.active) else { return Ok(None) };
    let pending = product.images.iter().find(|one| one.id == image && one.state == State::Pending);
    Ok(pending.map(|one| one.media_type))
}

async fn is_gone(products: &impl ProductStore, id: ProductId, image: ImageId) -> Result<bool, Failure> {
    Ok(products.get(id).await?.is_none_or(|product| product.images.iter().all(|one| one.id != image)))
}

/// Stores the variants, or the upload in quarantine.
async fn store(
    objects: &impl ImageObjects,
    processor: &impl ImageProcessor,
    (id, image): (ProductId, ImageId),
    announced: MediaType,
    bytes: Vec<u8>,
) -> Result<Result<(), Refusal>, Failure> {
    match processor.variants(announced, &bytes)? {
        Ok(variants) => {
            for variant in variants {
                let key = image::variant_key(id, image, variant.size, variant.format);
                objects.put(&key, variant.format.media_type(), variant.bytes).await?;
            }
            Ok(Ok(()))
        }
        Err(refusal) => {
            objects.put(&image::quarantine_key(id, image), "application/octet-stream", bytes).await?;
            Ok(Err(refusal))
        }
    }
}
