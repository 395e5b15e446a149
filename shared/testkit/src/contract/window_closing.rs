//! Contract of [`WindowClosing`].

use super::{
    Fixture, an_event, fresh,
    windows::{a_window, after, list, record},
};
use domain::{
    Event,
    event::AnomalyDetected,
    money::Currency,
    window::{
        ChangedWindow, FoundAnomaly, WindowRevision,
        anomaly::{Metric, Sales, WEEKS, WINDOWS_OF_WEEK},
    },
};
use kernel::Timestamp;
use ports::{WindowClosing, WindowStore};

/// Generates one test per rule of [`WindowClosing`]. The expression is a future of a
/// `Fixture<WindowsAndClosing<impl WindowStore, impl WindowClosing>>`.
#[macro_export]
macro_rules! contract_window_closing {
    ($fixture:expr) => {
        $crate::each_rule! { window_closing, $fixture;
            window_is_published_once_with_its_events
            later_record_raises_the_revision_once_until_it_is_published
            window_that_changed_since_it_was_read_is_not_published
            windows_without_orders_are_opened_for_currencies_that_have_some
            baseline_has_whole_weeks_and_is_for_the_first_revision_alone
            closed_windows_come_oldest_first_and_page_by_page
            anomalies_of_published_windows_are_listed_newest_first_and_in_pages
        }
    };
}

/// Windows, and what closes them.
#[derive(Debug)]
pub struct WindowsAndClosing<S, C> {
    pub windows: S,
    pub closing: C,
}

type Port<S, C> = Fixture<WindowsAndClosing<S, C>>;

async fn sell(windows: &impl WindowStore, start: Timestamp) {
    windows.add(&[record(start, (100, "USD"), "US-CA", &[])]).await.expect("added");
}

async fn changed(port: &impl WindowClosing, until: Timestamp) -> Vec<ChangedWindow> {
    port.changed(until, 1_000).await.expect("the store responds")
}

fn an_anomaly(start: Timestamp) -> Event {
    let currency = Currency::parse("USD").expect("a currency");
    let (end, metric) = (after(start, 1), Metric::Orders);
    an_event(AnomalyDetected { start, end, currency, metric, observed: 1, expected: 9, least: 5, most: 13 })
}

fn closing(changed: &ChangedWindow) -> WindowRevision {
    let (start, currency) = (changed.window.start, changed.window.revenue.currency);
    let event = Event { id: fresh(), ..an_anomaly(start) };
    WindowRevision { start, currency, revision: changed.window.revision, changes: changed.changes, events: vec![event] }
}

/// Publishes all that is changed, and returns the revisions.
async fn publish(port: &impl WindowClosing, until: Timestamp) -> Vec<i64> {
    let closings: Vec<WindowRevision> = changed(port, until).await.iter().map(closing).collect();
    assert_eq!(port.publish(&closings).await.map(|published| published as usize), Ok(closings.len()));
    closings.iter().map(|closing| closing.revision).collect()
}

pub async fn window_is_published_once_with_its_events<S: WindowStore, C: WindowClosing>(fixture: &Port<S, C>) {
    let (start, port) = (a_window(), fixture.port());
    sell(&port.windows, start).await;
    assert_eq!(changed(&port.closing, start).await, [], "it starts at the end");
    let closings: Vec<WindowRevision> = changed(&port.closing, after(start, 1)).await.iter().map(closing).collect();
    assert_eq!(port.closing.publish(&closings).await, Ok(1));
    assert_eq!(port.closing.publish(&closings).await, Ok(0));
    assert_eq!(port.closing.publish(&[]).await, Ok(0));
    fixture.assert_only_published(&[closings[0].events[0].id]).await;
    assert_eq!(changed(&port.closing, after(start, 1)).await, []);
}

pub async fn later_record_raises_the_revision_once_until_it_is_published<S: WindowStore, C: WindowClosing>(
    fixture: &Port<S, C>,
) {
    let (start, port) = (a_window(), fixture.port());
    let until = after(start, 1);
    for _ in 0..2 {
        sell(&port.windows, start).await;
    }
    assert_eq!(publish(&port.closing, until).await, [1]);
    for _ in 0..2 {
        sell(&port.windows, start).await;
    }
    assert_eq!(list(&port.windows, start, until).await[0].revision, 2);
    assert_eq!(publish(&port.closing, until).await, [2]);
    let window = &list(&port.windows, start, until).await[0];
    assert_eq!((window.revision, window.orders), (2, 4));
}

pub async fn window_that_changed_since_it_was_read_is_not_published<S: WindowStore, C: WindowClosing>(
    fixture: &Port<S, C>,
) {
    let (start, port) = (a_window(), fixture.port());
    let until = after(start, 1);
    sell(&port.windows, start).await;
    let read: Vec<WindowRevision> = changed(&port.closing, until).await.iter().map(closing).collect();
    sell(&port.windows, start).await;
    assert_eq!(port.closing.publish(&read).await, Ok(0));
    assert_eq!(publish(&port.closing, until).await, [1]);
}

pub async fn windows_without_orders_are_opened_for_currencies_that_have_some<S: WindowStore, C: WindowClosing>(
    fixture: &Port<S, C>,
) {
    let (start, port) = (a_window(), fixture.port());
    let until = after(start, 12);
    port.closing.open(until).await.expect("nothing to open");
    assert_eq!(list(&port.windows, start, until).await, []);
    sell(&port.windows, after(start, 3)).await;
    for _ in 0..2 {
        port.closing.open(until).await.expect("opened");
    }
    let orders: Vec<i64> = list(&port.windows, start, after(start, 20)).await.iter().map(|one| one.orders).collect();
    assert_eq!(orders, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    // Four weeks later the currency is not active any more.
    let later = after(start, 28 * 288 + 16);
    port.closing.open(later).await.expect("nothing to open");
    assert_eq!(list(&port.windows, after(start, 20), after(later, 1)).await, []);
}

pub async fn baseline_has_whole_weeks_and_is_for_the_first_revision_alone<S: WindowStore, C: WindowClosing>(
    fixture: &Port<S, C>,
) {
    let (start, port) = (a_window(), fixture.port());
    let (week, now) = (7 * 288, after(start, 9 * 7 * 288));
    for weeks in [0, 1, 5] {
        sell(&port.windows, after(start, weeks * week)).await;
    }
    sell(&port.windows, after(now, -1)).await;
    publish(&port.closing, now).await;
    sell(&port.windows, now).await;
    let found = changed(&port.closing, after(now, 1)).await;
    let [window] = &found[..] else { panic!("{} windows", found.len()) };
    let baseline = window.baseline.as_ref().expect("a baseline");
    let one = Sales { orders: 1, revenue: 100 };
    assert_eq!((baseline.previous, baseline.windows.len()), (Some(one), WEEKS * WINDOWS_OF_WEEK));
    assert_eq!(baseline.windows.iter().filter(|sales| **sales == one).count(), 2);
    publish(&port.closing, after(now, 1)).await;
    sell(&port.windows, now).await;
    assert_eq!(changed(&port.closing, after(now, 1)).await[0].baseline, None);
    sell(&port.windows, after(start, week)).await;
    let again = changed(&port.closing, after(start, week + 1)).await;
    assert_eq!(again[0].baseline, None);
    sell(&port.windows, after(start, week - 6)).await;
    let early = changed(&port.closing, after(start, week - 5)).await;
    assert_eq!(early[0].baseline.as_ref().map(|baseline| baseline.windows.len()), Some(0));
}

pub async fn closed_windows_come_oldest_first_and_page_by_page<S: WindowStore, C: WindowClosing>(fixture: &Port<S, C>) {
    let (start, port) = (a_window(), fixture.port());
    for number in [2, 0, 1] {
        sell(&port.windows, after(start, number)).await;
    }
    let page = port.closing.changed(after(start, 3), 2).await.expect("a page");
    assert_eq!(page.iter().map(|one| one.window.start).collect::<Vec<_>>(), [start, after(start, 1)]);
    port.closing.publish(&page.iter().map(closing).collect::<Vec<_>>()).await.expect("published");
    let left = changed(&port.closing, after(start, 3)).await;
    assert_eq!(left.iter().map(|one| one.window.start).collect::<Vec<_>>(), [after(start, 2)]);
}

pub async fn anomalies_of_published_windows_are_listed_newest_first_and_in_pages<S: WindowStore, C: WindowClosing>(
    fixture: &Port<S, C>,
) {
    let (start, port) = (a_window(), fixture.port());
    let until = after(start, 3);
    for number in 0..3 {
        sell(&port.windows, after(start, number)).await;
    }
    let read = changed(&port.closing, until).await;
    // The last window changes before it is published.
    sell(&port.windows, after(start, 2)).await;
    let closings: Vec<WindowRevision> = read.iter().map(closing).collect();
    assert_eq!(port.closing.publish(&closings).await, Ok(2));
    assert_eq!(port.closing.publish(&closings).await, Ok(0));
    let mut expected: Vec<FoundAnomaly> = closings.iter().take(2).flat_map(WindowRevision::anomalies).collect();
    expected.reverse();
    let list = async |from, limit, cursor: Option<String>| {
        port.windows.anomalies(from, until, limit, cursor.as_deref()).await.expect("a page")
    };
    let all = list(start, 100, None).await;
    assert_eq!((all.items, all.next), (expected.clone(), None));
    let first = list(start, 1, None).await;
    let second = list(start, 1, first.next).await;
    assert_eq!(([first.items, second.items].concat(), second.next), (expected.clone(), None));
    assert_eq!(list(after(start, 1), 100, None).await.items, expected[..1]);
    let refused = port.windows.anomalies(start, until, 1, Some("x")).await.expect_err("not a cursor");
    assert_eq!(refused.fields[0].pointer, "?cursor");
}
