//! Windows from the events that they count to what is published of them.

use super::{ORDER, USER, assert_all_samples_run, clock, confirmed, http::assert_responses, sample};
use adapters::{Wiring, config::Config};
use domain::{
    DomainEvent, Event,
    event::{OrderCancelled, PaymentFailed, PaymentRefunded, PaymentSucceeded, UserErased, WindowClosed},
    id::{PaymentId, RefundId},
    order::Reason,
    window::{ALLOWED_LATENESS_SECONDS, AnalyticsRecord, COUNTED_DAYS, CountAndAmount, StreamRecord, WINDOW_SECONDS},
};
use edge::{Clock, Delivery, testing};
use kernel::Timestamp;
use ports::{ExpiredRows, Retention as _, WindowStore as _};
use serde_json::{Value, json};
use testkit::{Platform, build, ids};

/// Feeds events to the stream and counts all its records, each of them twice.
async fn count(platform: &Platform, events: &[Event]) {
    count_at(platform, events, |_| clock()).await;
}

/// As [`count`], each record at a time of its own.
async fn count_at(platform: &Platform, events: &[Event], clock: impl Fn(&StreamRecord) -> Clock) {
    let before = platform.analytics_stream().records().len();
    for event in events {
        let delivery: Delivery<DomainEvent> =
            testing::delivery(catalog::ANALYTICS_FEED.name, event.clone(), &super::clock());
        analytics_feed::handle(&platform.analytics_stream(), delivery).await.expect("fed");
    }
    let records = platform.analytics_stream().records_after(before);
    let deliveries: Vec<Delivery<AnalyticsRecord>> = records
        .iter()
        .chain(&records)
        .map(|record| testing::delivery(catalog::WINDOW_AGGREGATE.name, (**record).clone(), &clock(record)))
        .collect();
    window_aggregate::handle(&platform.windows(), &deliveries).await.expect("counted");
}

fn everything() -> Vec<Event> {
    let (payment_id, order_id, user_id, amount) = (PaymentId(ids::event(1)), ORDER, Some(USER), build::usd(3998));
    let reason = Reason::CustomerRequest;
    let refund_id = RefundId(ids::event(2));
    vec![
        confirmed().1,
        build::event(11, PaymentSucceeded { payment_id, order_id, user_id, amount, transaction_id: "ch_1".to_owned() }),
        build::event(12, PaymentFailed { payment_id, order_id, user_id, amount, reason: Reason::PaymentDeclined }),
        build::event(
            13,
            PaymentRefunded {
                payment_id,
                order_id,
                user_id,
                refund_id,
                transaction_id: None,
                amount,
                refunded_amount: amount,
            },
        ),
        build::event(
            14,
            OrderCancelled { order_id, user_id: USER, total_amount: amount, reason, payment_id: Some(payment_id) },
        ),
    ]
}

async fn windows(platform: &Platform) -> Vec<domain::window::Window> {
    let end = Timestamp::from_second(4_000_000_000).expect("a time");
    platform.windows().list(Timestamp::UNIX_EPOCH, end, 100, None).await.expect("windows").items
}

#[test]
fn what_is_wrong_in_a_record_of_the_stream_is_named_by_its_pointer() {
    let record = domain::window::stream_record(&confirmed().1).expect("a record").expect("not the canary's");
    let read = |pointer: &str, value: Value| {
        let mut record = serde_json::to_value(&record).expect("serializes");
        *record.pointer_mut(pointer).expect("a member") = value;
        edge::event_in::<AnalyticsRecord>(&record.to_string())
    };
    assert!(read("/data/lines/0/quantity", json!(3)).is_ok());
    for (pointer, value) in [
        ("/data/lines/0/quantity", json!("3")),
        ("/data/revenue/currency", json!("usd")),
        ("/data", json!([])),
        ("/type", json!("OrderGifted.v1")),
    ] {
        assert_eq!(read(pointer, value).expect_err(pointer).fields[0].pointer, pointer);
    }
}

#[tokio::test]
async fn window_counts_sales_payments_and_cancellations_once() {
    let platform = Platform::new();
    count(&platform, &everything()).await;
    let windows = windows(&platform).await;
    let sum = |of: fn(&domain::window::Window) -> i64| windows.iter().map(of).sum::<i64>();
    assert_eq!((sum(|one| one.orders), sum(|one| one.units), sum(|one| one.first_orders)), (1, 2, 1));
    let one = CountAndAmount { count: 1, amount: 3998 };
    let outcomes = |window: &domain::window::Window| {
        let domain::window::Payments { paid, declined, refunded } = window.payments;
        [paid, declined, refunded]
    };
    assert_eq!(windows.iter().flat_map(outcomes).filter(|outcome| *outcome == one).count(), 3);
    let cancelled: Vec<_> = windows.iter().flat_map(|one| one.cancellations.clone()).collect();
    assert_eq!(cancelled, [(Reason::CustomerRequest, 1)]);
}

#[tokio::test]
async fn erased_customer_is_forgotten_with_the_orders_of_the_same_batch() {
    let platform = Platform::new();
    let erased = build::event(20, UserErased { user_id: USER });
    count(&platform, &[confirmed().1, erased]).await;
    let again = Event { id: ids::event(21), ..confirmed().1 };
    count(&platform, &[again]).await;
    assert_eq!(windows(&platform).await.iter().map(|one| one.first_orders).sum::<i64>(), 2);
}

/// The sample order so many seconds later, or earlier, than it is.
fn moved(number: u64, seconds: i64) -> Event {
    let time = Timestamp::from_second(confirmed().1.time.as_second() + seconds).expect("a time");
    Event { id: ids::event(number), time, ..confirmed().1 }
}

#[tokio::test]
async fn event_that_is_late_by_a_year_is_left_out_also_after_its_id_was_deleted() {
    let platform = Platform::new();
    let (now, days) = (confirmed().1.time, COUNTED_DAYS * 86_400);
    let at = |_: &StreamRecord| Clock::at(now, 7);
    count_at(&platform, &[moved(30, -365 * 86_400), moved(31, -days - 1)], at).await;
    assert_eq!(windows(&platform).await, []);
    count_at(&platform, &[moved(32, -days), confirmed().1], at).await;
    assert_eq!(windows(&platform).await.iter().map(|one| one.orders).collect::<Vec<_>>(), [1, 1]);
    // The store forgets the id of the older one, and the event is redelivered.
    let swept = catalog::swept_tables().find(|one| one.table == "analytics.counted_events").expect("a retention");
    let (table, since, kept) = (swept.table, swept.since, i64::from(swept.days) * 86_400);
    let later = Timestamp::from_second(now.as_second() + kept - days + 1).expect("a time");
    let before = Timestamp::from_second(later.as_second() - kept).expect("a time");
    assert_eq!(platform.outbox().delete(&ExpiredRows { table, since, before }, 100).await, Ok(1));
    count_at(&platform, &[moved(32, -days)], |_| Clock::at(later, 7)).await;
    assert_eq!(windows(&platform).await.iter().map(|one| one.orders).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn event_from_the_future_is_counted_in_its_window_and_closes_no_other() {
    let platform = Platform::new();
    count(&platform, &[confirmed().1, moved(30, 86_400)]).await;
    close(&platform, "ok", ALLOWED_LATENESS_SECONDS - 1).await;
    assert_eq!(closed(&platform), [], "the watermark follows the clock");
    close(&platform, "ok", ALLOWED_LATENESS_SECONDS).await;
    let sales = |platform: &Platform| closed(platform).iter().map(|one| one.start).collect::<Vec<_>>();
    let start = |event: &Event| domain::window::start(event.time).expect("a window");
    assert_eq!(sales(&platform), [start(&confirmed().1)]);
    close(&platform, "ok", 86_400 + ALLOWED_LATENESS_SECONDS).await;
    assert_eq!(sales(&platform), [start(&confirmed().1), start(&moved(30, 86_400))]);
}

/// The subject of the events about the window of the sample order.
fn subject() -> String {
    format!("{}-USD", domain::window::start(confirmed().1.time).expect("a window"))
}

/// Runs window-close so many seconds after the end of the window of the sample order.
async fn close(platform: &Platform, case: &str, seconds: i64) -> Value {
    let end = domain::window::start(confirmed().1.time).expect("a window").as_second() + WINDOW_SECONDS;
    let clock = Clock::at(Timestamp::from_second(end + seconds).expect("a time"), 7);
    let handler = async |tick| window_close::handle(&platform.windows(), tick).await;
    let tick = edge::schedule::tick(catalog::WINDOW_CLOSE.name, sample(catalog::WINDOW_CLOSE, case), &clock, &handler);
    tick.await.expect("a summary")
}

fn closed(platform: &Platform) -> Vec<WindowClosed> {
    let published = platform.bus().published();
    let closed = published.iter().filter_map(|event| match &event.event {
        DomainEvent::WindowClosed(closed) => Some(closed.clone()),
        _ => None,
    });
    closed.filter(|window| window.orders > 0).collect()
}

#[tokio::test]
async fn window_close_publishes_a_window_when_no_record_may_come_and_again_if_one_does() {
    assert_all_samples_run(catalog::WINDOW_CLOSE, &["ok", "bad_not_a_schedule"]);
    let platform = Platform::new();
    count(&platform, &[confirmed().1]).await;
    close(&platform, "ok", ALLOWED_LATENESS_SECONDS - 1).await;
    assert_eq!(closed(&platform), []);
    // The function closes windows whatever its input is.
    for case in ["bad_not_a_schedule", "ok"] {
        close(&platform, case, ALLOWED_LATENESS_SECONDS).await;
        let closed = closed(&platform);
        assert_eq!(closed.iter().map(|one| (one.revision, one.orders)).collect::<Vec<_>>(), [(1, 1)]);
    }
    count(&platform, &[Event { id: ids::event(30), ..confirmed().1 }]).await;
    let summary = close(&platform, "ok", ALLOWED_LATENESS_SECONDS).await;
    assert_eq!((&summary["corrected"], &summary["anomalies"]), (&1.into(), &0.into()));
    let closed = closed(&platform);
    assert_eq!(closed.iter().map(|one| (one.revision, one.orders)).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
    let subjects: Vec<_> = platform.bus().published().iter().map(|event| event.subject.clone()).collect();
    assert!(subjects.contains(&subject()), "{subjects:?}");
}

#[tokio::test]
async fn window_far_below_the_weeks_before_is_an_anomaly_once() {
    let platform = Platform::new();
    let week = 7 * 24 * 3_600;
    let times = (1..=6_i64).flat_map(|weeks| (-6..=6_i64).map(move |beside| beside * WINDOW_SECONDS - weeks * week));
    let often = times.flat_map(|seconds| [seconds; 40]);
    let event = |(n, seconds): (u64, i64)| {
        let time = Timestamp::from_second(confirmed().1.time.as_second() + seconds).expect("a time");
        Event { id: ids::event(n), time, ..confirmed().1 }
    };
    let mut events: Vec<Event> = (1_000..).zip(often).map(event).collect();
    events.push(confirmed().1);
    // Each when it happened: what is six weeks old is not counted any more.
    count_at(&platform, &events, |record| Clock::at(record.time, 7)).await;
    close(&platform, "ok", ALLOWED_LATENESS_SECONDS).await;
    close(&platform, "ok", ALLOWED_LATENESS_SECONDS).await;
    let published = platform.bus().published();
    let start = domain::window::start(confirmed().1.time).expect("a window");
    let unusual: Vec<_> = published
        .iter()
        .filter_map(|event| match &event.event {
            DomainEvent::AnomalyDetected(anomaly) if anomaly.start == start => Some(anomaly),
            _ => None,
        })
        .collect();
    assert_eq!(unusual.len(), 2, "{unusual:?}");
    assert_eq!((unusual[0].observed, unusual[0].expected), (1, 40));
    let listed = listed_anomalies(&platform, start).await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    let orders = listed.iter().find(|one| one["metric"] == "orders").expect("an anomaly of orders");
    assert_eq!((&orders["observed"], &orders["expected"]), (&1.into(), &40.into()));
    assert_eq!((&orders["start"], &orders["currency"]), (&start.to_string().into(), &"USD".into()));
}

/// The items of anomaly-list for the window that starts then.
async fn listed_anomalies(platform: &Platform, start: Timestamp) -> Vec<Value> {
    let end = Timestamp::from_second(start.as_second() + WINDOW_SECONDS).expect("a time");
    let case = format!(r#"set /rawQueryString = "from={start}&to={end}""#);
    let route = Wiring::new(catalog::ANOMALY_LIST, Config::from_vars([])).route().expect("a route");
    let handler = async |call| anomaly_list::handle(&platform.windows(), call).await;
    let response = edge::http::respond(&route, sample(catalog::ANOMALY_LIST, &case), &clock(), &handler).await;
    let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    body["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn anomaly_list_requires_staff_or_admin() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_span", 422, "validation", "?to"),
        ("bad_time", 422, "validation", "?from"),
        ("bad_limit", 422, "validation", "?limit"),
        ("bad_customer", 403, "forbidden", ""),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    let platform = Platform::new();
    assert_responses(catalog::ANOMALY_LIST, &expected, async |_, call| {
        anomaly_list::handle(&platform.windows(), call).await
    })
    .await;
}

#[tokio::test]
async fn run_of_window_close_that_fails_is_repeated_without_publishing_twice() {
    let platform = Platform::new();
    count(&platform, &[confirmed().1]).await;
    platform.faults().take_down(testkit::Dependency::Bus);
    close(&platform, "ok", ALLOWED_LATENESS_SECONDS).await;
    platform.faults().restore_all();
    close(&platform, "ok", ALLOWED_LATENESS_SECONDS).await;
    assert_eq!(closed(&platform), [], "the sweep publishes what the bus did not take");
    let committed = platform.outbox().committed();
    let count = committed.iter().filter(|event| event.subject == subject()).count();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn analytics_summary_get_requires_staff_or_admin() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_span", 422, "validation", "?to"),
        ("bad_time", 422, "validation", "?from"),
        ("bad_customer", 403, "forbidden", ""),
    ];
    let platform = Platform::new();
    count(&platform, &everything()).await;
    assert_responses(catalog::ANALYTICS_SUMMARY_GET, &expected, async |_, call| {
        analytics_summary_get::handle(&platform.windows(), call).await
    })
    .await;
}
