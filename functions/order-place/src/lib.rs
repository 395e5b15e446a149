//! `POST /api/v1/orders`: places an order at the catalogue's prices, of which orders keep a copy, with tax and shipping.
//!
//! Returns 201 with the order; a repeated `Idempotency-Key` replays the first response byte for byte. Order, lines, response and event
//! commit together, and only if the copy has the prices of the order at that moment: those that this process remembers save a round
//! trip, and decide nothing. The catalogue is asked once, for all products that the copy lacks. A rejection is stored as the response,
//! too, so that a request is not rejected today and accepted tomorrow. The exceptions are a product that is not on sale, which may
//! change within seconds, another price than the expected one, and too many unpaid orders or units in them: the key stays free.

use api::OrderView;
use domain::{
    id::{OrderId, UserId},
    order::{self, OrderLimits, PlaceOrder, Rates},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{OrderStore, PRICE_OUTDATED, PlacementConditions, PriceCopy, PriceSource, ProductSnapshots};
use services::{MAX_OPTIMISTIC_RETRIES, complete_prices, retry_on_conflict};

pub async fn handle(
    orders: &(impl OrderStore + PriceCopy),
    catalogue: &impl ProductSnapshots,
    (limits, rates): (OrderLimits, &Rates),
    call: Call<PlaceOrder>,
) -> Result<Reply<OrderView>, Failure> {
    call.body.check(limits.lines)?;
    let (command, call) = call.into_parts();
    let (key, id) = (call.idempotency_key()?, OrderId(call.ids.next()));
    let wanted: Vec<_> = command.items.iter().map(|item| item.product_id).collect();
    let mut enough = PriceSource::Cached;
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "price", async || {
        let quote = orders.quote(key, &wanted, std::mem::replace(&mut enough, PriceSource::Current)).await?;
        if let Some(first) = quote.first {
            return Ok(Some(Reply::replay(first)));
        }
        let (prices, fetched) = complete_prices(catalogue, &wanted, &quote).await?;
        let decision = order::place(id, UserId(call.principal()?.id), command.clone(), &prices, rates, call.now);
        match decision {
            Ok((order, placed)) => {
                let conditions = PlacementConditions { prices: &prices, fetched: &fetched, limits: Some(limits) };
                let event = call.event(order.id, order.version, placed);
                let path = catalog::ORDER_GET.path_of(order.id);
                let reply = Reply::created(OrderView::from(&order)).resource(path, order.version);
                match orders.place(&order, key, &reply.to_stored()?, &event, &conditions).await {
                    Err(failure) if failure.code == PRICE_OUTDATED => Ok(None),
                    outcome => Ok(Some(reply.or_replay(outcome?))),
                }
            }
            // Only current prices may reject a request.
            Err(_) if quote.source == PriceSource::Cached => Ok(None),
            Err(rejection) if !order::is_final(&rejection, &wanted, &prices) => Err(rejection),
            Err(rejection) => {
                call.reject(rejection, async |problem| orders.store_response(key, problem).await).await.map(Some)
            }
        }
    })
    .await
}
