//! Windows over a stream that is split and merged while records flow: readers of parent and child shards run beside each other and repeat
//! what they have read.

use super::{clock, confirmed, sample_time};
use domain::{
    Event,
    window::{self, StreamRecord, Window},
};
use edge::{Consumer, Delivery, testing};
use futures_util::FutureExt as _;
use kernel::Timestamp;
use ports::WindowStore as _;
use proptest::prelude::*;
use testkit::{Platform, ids};

/// Sixty orders of four customers in an hour.
fn records() -> Vec<StreamRecord> {
    let record = |n: u32| {
        let mut event = confirmed().1;
        let domain::DomainEvent::OrderConfirmed(order) = &mut event.event else { panic!("{event:?}") };
        order.user_id = domain::id::UserId(ids::event((n % 4).into()));
        order.order_id = domain::id::OrderId(ids::event((100 + n).into()));
        let time = Timestamp::from_second(sample_time().as_second() + i64::from(n) * 60).expect("a time");
        let event = Event { id: ids::event((1_000 + n).into()), time, subject: n.to_string(), ..event };
        window::stream_record(&event).expect("an order").expect("a customer's")
    };
    (0..60).map(record).collect()
}

/// The shards of a stream that is split after so many records and merged after so many more: the parent, its two children, and theirs.
fn shards(records: &[StreamRecord], split: usize, merge: usize) -> Vec<Vec<StreamRecord>> {
    let mut shards = vec![vec![]; 4];
    for (n, record) in records.iter().enumerate() {
        let is_even = record.subject.bytes().map(usize::from).sum::<usize>() % 2 == 0;
        let shard = match n {
            _ if n < split => 0,
            _ if n >= split + merge => 3,
            _ if is_even => 1,
            _ => 2,
        };
        shards[shard].push(record.clone());
    }
    shards
}

fn counted(platform: &Platform) -> Vec<Window> {
    let end = Timestamp::from_second(4_000_000_000).expect("a time");
    let page = platform.windows().list(Timestamp::UNIX_EPOCH, end, 100, None).now_or_never();
    page.expect("nothing waits").expect("windows").items
}

/// Delivers a batch as Lambda does.
fn read(platform: &Platform, batch: &[StreamRecord]) {
    let consumer = Consumer::new(catalog::WINDOW_AGGREGATE.name, catalog::MAX_RECEIVES).producers(catalog::PRODUCERS);
    let handler =
        async |batch: &[Delivery<window::AnalyticsRecord>]| window_aggregate::handle(&platform.windows(), batch).await;
    let (event, clock) = (testing::kinesis_event(&batch.iter().collect::<Vec<_>>()), clock());
    let dead_letters = platform.dead_letters();
    let response = edge::kinesis::batch(&consumer, event, &clock, &dead_letters, &handler).now_or_never();
    let response = response.expect("nothing waits").expect("a batch");
    assert_eq!(response["batchItemFailures"].as_array().map(Vec::len), Some(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn split_and_merged_shards_read_beside_each_other_and_again_count_each_record_once(
        (split, merge) in (0..60_usize, 0..60_usize),
        steps in prop::collection::vec((0..4_usize, 1..9_usize, 0..4_usize), 40),
    ) {
        let (records, expected, platform) = (records(), Platform::new(), Platform::new());
        read(&expected, &records);
        let shards = shards(&records, split, merge);
        let mut positions = [0; 4];
        // After the steps, every reader goes on to the end of its shard.
        let rest = (0..4).map(|shard| (shard, 60, 0));
        for (shard, size, back) in steps.into_iter().chain(rest) {
            let from = positions[shard];
            let to = (from + size).min(shards[shard].len());
            if from < to {
                read(&platform, &shards[shard][from..to]);
            }
            positions[shard] = if back > 0 { to.saturating_sub(back) } else { to };
        }
        for (shard, position) in positions.into_iter().enumerate().filter(|(shard, at)| *at < shards[*shard].len()) {
            read(&platform, &shards[shard][position..]);
        }
        prop_assert_eq!(counted(&platform), counted(&expected));
    }
}
