//! `POST /api/v1/orders`: places an order at the catalogue's prices.
//!
//! Returns 201 with the order; a repeated `Idempotency-Key` replays the first response byte for byte. Order, lines, response and event
//! commit together. A rejection is stored as the response, too, so that a request is not rejected today and accepted tomorrow. The
//! exception is a product that is not on sale: this may change within seconds, so the key stays free.

use api::OrderView;
use domain::{
    id::{OrderId, UserId},
    order::{self, PlaceOrder},
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome};
use ports::{OrderStore, ProductSnapshots};

/// Places one order.
pub async fn handle(
    orders: &impl OrderStore,
    catalogue: &impl ProductSnapshots,
    call: Call<PlaceOrder>,
) -> Result<Reply<OrderView>, Failure> {
    call.body.check()?;
    let (command, call) = call.into_parts();
    let key = call.idempotency_key()?;
    let customer = UserId(call.principal()?.id);
    let products: Vec<_> = command.items.iter().map(|item| item.product_id).collect();
    let snapshots = match catalogue.find(&products).await {
        Ok(snapshots) => snapshots,
        Err(failure) => {
            // A request that was answered before is answered from its key, without the catalogue.
            let Some(IdempotencyOutcome::Replayed(first)) = orders.find_response(key).await? else {
                return Err(failure);
            };
            return Ok(Reply::replay(first));
        }
    };
    let (order, placed) = match order::place(OrderId(call.ids.next()), customer, command, &snapshots, call.now) {
        Ok(placed) => placed,
        Err(rejection) if !order::are_on_sale(&products, &snapshots) => {
            return Reply::rejected(rejection, orders.find_response(key).await?);
        }
        Err(rejection) => {
            return call.reject(rejection, async |problem| orders.store_rejection(key, problem).await).await;
        }
    };
    let event = call.event(order.id, order.version, placed);
    let reply = Reply::created(OrderView::from(&order)).resource(catalog::ORDER_GET.path_of(order.id), order.version);
    let outcome = orders.place(&order, key, &reply.to_stored()?, &event).await?;
    Ok(reply.or_replay(outcome))
}
