//! `DELETE /api/v1/orders/{id}`: takes an order back, for its owner and the back office.
//!
//! 202 with the order: its stock is freed and its money goes back right after. Doing it again changes nothing. An order that is on
//! its way is not cancellable (409). Who names in `If-Match` the version that was looked at cancels that one and no other (412).

use api::OrderView;
use domain::{
    event,
    id::OrderId,
    order::{self, Input},
    user,
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{OrderStore, TransitionOutcome};

/// How often the order is read again when another step was faster.
const RACES: u32 = 3;

/// Cancels an order.
pub async fn handle(orders: &impl OrderStore, call: Call<NoBody>) -> Result<Reply<OrderView>, Failure> {
    let principal = call.principal()?;
    let owner = user::owner_filter(principal.id, &principal.role);
    let cue = if owner.is_some() { Input::CancelByCustomer } else { Input::CancelByStaff };
    let id: OrderId = call.path("id")?;
    for _ in 0..=RACES {
        let order = orders.get(id, owner).await?.ok_or_else(|| Failure::not_found("order"))?;
        let Some((cancelled, news)) = order::apply_command(&order, cue, call.now)? else { return Ok(answer(&order)) };
        if call.if_match.is_some_and(|version| version != order.version) {
            return Err(order::version_mismatch());
        }
        let event = news.map(|news| event::wrap(call.ids.next(), id, cancelled.version, call.now, &call.trace, news));
        if orders.advance(None, &cancelled, event.as_ref()).await? == TransitionOutcome::Applied {
            return Ok(answer(&cancelled));
        }
    }
    Err(Failure::unavailable("order", format!("other steps of {id} were faster each time")))
}

fn answer(order: &order::Order) -> Reply<OrderView> {
    Reply::accepted(OrderView::from(order)).etag(order.version)
}
