//! `POST /api/v1/products/{id}/images`: a link to upload an image of a product with, for staff.
//!
//! Returns 201 with the link, which ends after a quarter of an hour and takes a file of the stated type and size only; 409 if the product has
//! ten images. The image is `pending` until `image-resize` has processed the upload.

use api::UploadView;
use domain::{
    id::{ImageId, ProductId},
    image::{self, AddImage},
    product,
};
use edge::http::{Call, Reply};
use kernel::{Failure, seconds_after};
use ports::{ImageObjects, ProductStore};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

pub async fn handle(
    products: &impl ProductStore,
    objects: &impl ImageObjects,
    call: Call<AddImage>,
) -> Result<Reply<UploadView>, Failure> {
    let (file, call) = call.into_parts();
    let (id, image): (ProductId, _) = (call.path("id")?, ImageId(call.ids.next()));
    let key = image::upload_key(id, image);
    let media_type = file.content_type.name();
    let url = objects.upload_link(&key, media_type, file.size.bytes(), image::UPLOAD_SECONDS).await?;
    let expires_at = seconds_after(call.now, image::UPLOAD_SECONDS.into())?;
    let reply = Reply::created(UploadView::new(image, url, key, &file, expires_at));
    let reply = reply.location(catalog::IMAGE_GET.path_of(id).replace("{image_id}", &image.to_string()));
    let stored = reply.to_stored()?;
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "product", async || {
        let known = products.get(id).await?.ok_or_else(|| Failure::not_found("product"))?;
        let added = match (product::add_image(&known, image, &file, call.now), &call.idempotency) {
            (Ok(added), _) => added.by(call.principal.as_ref()),
            // The key may have a response already: that of the last image there was room for.
            (Err(rejection), Some(key)) => {
                let rejected =
                    call.reject(rejection, async |problem| products.store_response(key, problem, call.now).await);
                return rejected.await.map(Some);
            }
            (Err(rejection), None) => return Err(rejection),
        };
        Ok(match &call.idempotency {
            Some(key) => {
                products.replace_with_key(&added, key, &stored).await?.map(|outcome| reply.clone().or_replay(outcome))
            }
            None => products.replace(&added).await?.then(|| reply.clone()),
        })
    })
    .await
}
