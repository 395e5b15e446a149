//! An endpoint of webhooks in one short schedule of sixteen, in all that run in order, and in all of days: what `webhook-enqueue` gets from the
//! bus there, and what it must have enqueued. How deliveries are attempted is simulated in `webhooks`.

use super::{
    backend::Backend,
    defects::Defect,
    rules::{Violation, rule},
    world::World,
};
use catalog::Event;
use domain::{
    id::{DeliveryId, EndpointId, UserId},
    webhook::Endpoint,
};
use edge::Delivery;
use futures_util::FutureExt as _;
use kernel::{Failure, Uuid};
use ports::Sealer as _;
use serde_json::{Map, Value};
use std::{collections::BTreeSet, rc::Rc};
use testkit::{Platform, build};

/// What the endpoint subscribed to, of many public events.
const SUBSCRIBED: [&Event; 3] = [catalog::ORDER_PLACED, catalog::ORDER_CONFIRMED, catalog::ORDER_CANCELLED];

/// Whether a short schedule has an endpoint. By its seed, so that the choices of all others stay what they are.
pub const fn has_endpoint(seed: u64) -> bool {
    seed % 16 == 15
}

pub fn subscribe(platform: &Platform) {
    let id = EndpointId(Uuid::from_u128(1));
    let sealed = platform.sealer().generate(&Endpoint::associated_data(id)).now_or_never();
    let (_, secret) = sealed.expect("no wait").expect("sealed");
    let endpoint = build::endpoint_of(id, UserId(Uuid::nil()), build::noon(), &SUBSCRIBED.map(|event| event.name));
    platform.webhooks().put(&Endpoint { secret, ..endpoint });
}

impl<S: Backend> World<S> {
    /// Enqueues an event for the endpoint, and attempts its delivery.
    pub async fn enqueue_webhook(&self, mut delivery: Delivery<Map<String, Value>>) -> Result<(), Failure> {
        if self.defect == Some(Defect::EnqueuesUnderNewId) {
            delivery.event.id = self.clock.ids().next();
        }
        let (webhooks, sealer) = (self.platform.webhooks(), self.platform.sealer());
        webhook_enqueue::handle(&webhooks, &sealer, &self.platform.webhook_receiver(), delivery).await
    }
}

/// The endpoint has one delivery of each event that it subscribed to, under the id of the event, and no other.
pub fn enqueued<S: Backend>(world: &World<S>, committed: &[Rc<domain::Event>]) -> Result<(), Violation> {
    if !world.subscribes {
        return Ok(());
    }
    let is_subscribed = |event: &&Rc<domain::Event>| SUBSCRIBED.iter().any(|row| row.name == event.event.row().name);
    let expected: BTreeSet<_> =
        committed.iter().filter(is_subscribed).map(|event| (DeliveryId(event.id), event.event.row().name)).collect();
    let deliveries = world.platform.webhooks().deliveries();
    let found: BTreeSet<_> = deliveries.iter().map(|one| (one.id, one.event_type.as_str())).collect();
    let (missing, others) = (expected.difference(&found).count(), found.difference(&expected).count());
    rule!(missing == 0, "{missing} subscribed events are not enqueued under their ids");
    rule!(others == 0, "{others} webhooks are enqueued that nobody subscribed to");
    Ok(())
}
