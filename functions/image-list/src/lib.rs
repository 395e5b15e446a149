//! `GET /api/v1/products/{id}/images`: the images of a product in every state, with the reason of a refusal, for staff.

use api::{ImageView, ListView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::ProductStore;

/// Lists the images; there are at most ten.
pub async fn handle(products: &impl ProductStore, call: Call<NoBody>) -> Result<Reply<ListView<ImageView>>, Failure> {
    let product = products.get(call.path("id")?).await?.filter(|product| product.active);
    let product = product.ok_or_else(|| Failure::not_found("product"))?;
    let items = product.images.iter().map(|image| ImageView::new(&product, image, call.now)).collect();
    Ok(Reply::ok(ListView { items, next_cursor: None }))
}
