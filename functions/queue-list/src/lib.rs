//! `GET /api/v1/ops/queues`: every consumer with its state, its queue and its dead-letter queue, for admins.

use api::{ListView, QueueView};
use domain::{consumer, queue::QueueDepth};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{ConsumerMappings, QueueDepths};
use std::cmp::Reverse;

/// Lists all consumers, those with dead letters first. The numbers are those of SQS, which are approximate.
pub async fn handle(
    queues: &impl QueueDepths,
    mappings: &impl ConsumerMappings,
    _call: Call<NoBody>,
) -> Result<Reply<ListView<QueueView>>, Failure> {
    let consumers = catalog::FUNCTIONS.iter().filter(|function| function.has_dead_letter_queue());
    let consumers: Vec<&str> = consumers.map(|function| function.name).collect();
    let mut depths = queues.depths(&consumers).await?;
    let mappings = mappings.list().await?;
    let visible = |depth: &QueueDepth| depth.queue.map_or(0, |queue| queue.visible);
    depths.sort_by_key(|depth| Reverse((depth.dead_letters, visible(depth))));
    let view = |depth: &QueueDepth| {
        let own = mappings.iter().filter(|mapping| mapping.consumer == depth.consumer);
        QueueView::new(depth, consumer::state_of(own))
    };
    Ok(Reply::ok(ListView { items: depths.iter().map(view).collect(), next_cursor: None }))
}
