//! `POST /api/v1/products`: puts a product on sale.
//!
//! 201 with the product; 409 when the SKU is taken; the first answer again, this one or that, for a repeated `Idempotency-Key`.

use api::ProductView;
use domain::{
    id::ProductId,
    product::{self, CreateProduct},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{ProductStore, SKU_TAKEN};

/// Puts a product on sale. Its stock account follows from the event that the table's stream relays.
pub async fn handle(products: &impl ProductStore, call: Call<CreateProduct>) -> Result<Reply<ProductView>, Failure> {
    let key = call.idempotency_key()?.clone();
    let (command, call) = call.into_parts();
    let product = product::create(ProductId(call.ids.next()), command, call.now);
    let reply = Reply::created(ProductView::from(&product))
        .location(catalog::PRODUCT_GET.path_of(product.id))
        .etag(product.version);
    match products.create(&product, &key, &reply.to_stored()?).await {
        Ok(settled) => Ok(reply.or_replay(settled)),
        Err(refusal) if refusal.code == SKU_TAKEN => {
            let settled = products.store_rejection(&key, &call.problem(&refusal), call.now).await?;
            Reply::rejected(refusal, settled)
        }
        Err(failure) => Err(failure),
    }
}
