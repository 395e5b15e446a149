//! `POST /api/v1/products`: creates a product.
//!
//! Returns 201 with the product, or 409 if the SKU is taken. A repeated `Idempotency-Key` replays the first response, whichever it was.

use api::ProductView;
use domain::{
    id::ProductId,
    product::{self, CreateProduct},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{ProductStore, SKU_TAKEN};

/// Creates one product. Its stock account is opened by the event that the table's change stream publishes.
pub async fn handle(products: &impl ProductStore, call: Call<CreateProduct>) -> Result<Reply<ProductView>, Failure> {
    let (command, call) = call.into_parts();
    let key = call.idempotency_key()?;
    let product = product::create(ProductId(call.ids.next()), command, call.now).by(call.principal.as_ref());
    let view = ProductView::from(&product);
    let tag = view.etag();
    let reply = Reply::created(view).resource(catalog::PRODUCT_GET.path_of(product.id), tag);
    let created = products.create(&product, key, &reply.to_stored()?).await;
    let store = async |problem: &_| products.store_response(key, problem, call.now).await;
    call.respond_idempotently(reply, created, |rejection| rejection.code == SKU_TAKEN, store).await
}
