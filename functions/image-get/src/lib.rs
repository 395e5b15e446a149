//! `GET /api/v1/products/{id}/images/{image_id}?size=&format=`: redirects to a variant of an image.
//!
//! The link is made without asking whether the image exists: S3 answers that. It lasts longer than the redirect may be cached.

use domain::{
    id::{ImageId, ProductId},
    image::{self, Format, Size},
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::ImageObjects;

/// Seconds for which a link is valid, and for which the redirect to it may be cached.
const LINK_SECONDS: u32 = 900;
const CACHE_SECONDS: u32 = 300;

/// Redirects to one variant: the medium size as JPEG, unless the query says otherwise.
pub async fn handle(objects: &impl ImageObjects, call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    let (product, image): (ProductId, ImageId) = (call.path("id")?, call.path("image_id")?);
    let size = call.parsed("size", Size::one_of)?.unwrap_or(Size::Medium);
    let format = call.parsed("format", Format::one_of)?.unwrap_or(Format::Jpeg);
    let link = objects.link(&image::variant_key(product, image, size, format), LINK_SECONDS).await?;
    Ok(Reply::found(link).cache_control(format!("public, max-age={CACHE_SECONDS}")))
}
