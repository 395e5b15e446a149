//! `POST /api/v1/products`: puts a product on sale.
//!
//! 201 with the product; 409 when the SKU is taken; the first answer again for a repeated `Idempotency-Key`.

use api::ProductView;
use domain::{
    id::ProductId,
    product::{self, CreateProduct},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::ProductStore;

/// Puts a product on sale. Its stock account follows from the event that the table's stream relays.
pub async fn handle(products: &impl ProductStore, call: Call<CreateProduct>) -> Result<Reply<ProductView>, Failure> {
    let key = call.idempotency()?.clone();
    let product = product::create(ProductId(call.ids.next()), call.body, call.now);
    let reply = Reply::created(ProductView::from(&product))
        .location(catalog::PRODUCT_GET.path_of(product.id))
        .etag(product.version);
    let settled = products.create(&product, &key, &reply.to_stored()?).await?;
    Ok(reply.settle(settled))
}
