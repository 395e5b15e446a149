//! `POST /api/v1/orders`: places an order at the catalogue's prices.
//!
//! 201 with the order; the first answer again, byte for byte, for a repeated `Idempotency-Key`. Order, lines, answer and event
//! commit together. A refusal is kept as the answer, too: the same request is not refused today and accepted tomorrow. Only that a
//! product is not on sale is not kept: it may be so for seconds, and the key stays free.

use api::OrderView;
use domain::{
    event,
    id::{OrderId, UserId},
    order::{self, PlaceOrder},
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome};
use ports::{OrderStore, ProductSnapshots};

/// Places an order.
pub async fn handle(
    orders: &impl OrderStore,
    offers: &impl ProductSnapshots,
    call: Call<PlaceOrder>,
) -> Result<Reply<OrderView>, Failure> {
    call.body.check()?;
    let key = call.idempotency_key()?.clone();
    let customer = UserId(call.principal()?.id);
    let wanted: Vec<_> = call.body.items.iter().map(|item| item.product_id).collect();
    let offers = offers.find(&wanted).await?;
    let (command, call) = call.into_parts();
    let (order, placed) = match order::place(OrderId(call.ids.next()), customer, command, &offers, call.now) {
        Ok(placed) => placed,
        Err(refusal) if !order::are_on_sale(&wanted, &offers) => {
            let settled = orders.find_response(&key).await?.unwrap_or(IdempotencyOutcome::Committed);
            return Reply::rejected(refusal, settled);
        }
        Err(refusal) => {
            let settled = orders.store_rejection(&key, &call.problem(&refusal)).await?;
            return Reply::rejected(refusal, settled);
        }
    };
    let event = event::wrap(call.ids.next(), order.id, order.version, call.now, &call.trace, placed);
    let reply =
        Reply::created(OrderView::from(&order)).location(catalog::ORDER_GET.path_of(order.id)).etag(order.version);
    let settled = orders.place(&order, &key, &reply.to_stored()?, &event).await?;
    Ok(reply.or_replay(settled))
}
