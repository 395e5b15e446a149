//! Contract of [`WindowStore`].

use super::{Fixture, fresh};
use domain::{
    Money,
    address::Area,
    id::ProductId,
    money::{Currency, MAX_AMOUNT},
    text::ProductName,
    window::{Counted, MAX_REGIONS, Sum, WINDOW_SECONDS, Window, WindowEntry},
};
use futures_util::future::join_all;
use kernel::{FailureKind, Timestamp};
use ports::WindowStore;

/// Generates one test per rule of [`WindowStore`]. The expression is a future of a `Fixture<impl WindowStore>`.
#[macro_export]
macro_rules! contract_windows {
    ($fixture:expr) => {
        $crate::each_rule! { windows, $fixture;
            records_add_up_in_their_windows
            record_counts_once_across_batches
            record_repeated_in_one_batch_counts_once
            record_added_concurrently_counts_once
            concurrent_batches_neither_lose_records_nor_deadlock
            list_includes_its_start_excludes_its_end_and_is_oldest_first
            each_currency_has_its_own_window
            products_are_sorted_by_units_and_regions_by_name
            window_revenue_may_exceed_the_maximum_of_an_order
            window_lists_the_regions_with_the_most_revenue
            page_starts_after_the_cursor_even_between_currencies
            malformed_cursor_is_rejected
            adding_no_records_succeeds
        }
    };
}

/// The start of a random window, so that runs do not share one.
pub(super) fn a_window() -> Timestamp {
    let number = i64::try_from(fresh().as_u128() % 400_000_000).expect("small");
    window(number)
}

fn window(number: i64) -> Timestamp {
    Timestamp::from_second(number * WINDOW_SECONDS).expect("within the calendar")
}

pub(super) fn after(start: Timestamp, windows: i64) -> Timestamp {
    Timestamp::from_second(start.as_second() + windows * WINDOW_SECONDS).expect("within the calendar")
}

pub(super) fn record(
    window: Timestamp,
    money: (i64, &str),
    region: &str,
    products: &[(ProductId, u32)],
) -> WindowEntry {
    let name = ProductName::parse("Lamp").expect("a name");
    let counted = Counted::Sale {
        revenue: Money::new(money.0, money.1).expect("an amount"),
        region: Area::parse(region).expect("an area"),
        products: products.iter().map(|(id, units)| (*id, name.clone(), *units)).collect(),
        customer: None,
    };
    WindowEntry { event_id: fresh(), at: window, window, counted }
}

fn small_record(window: Timestamp) -> WindowEntry {
    record(window, (100, "USD"), "US-CA", &[(ProductId(fresh()), 1)])
}

/// Lists the windows of a period on one page.
pub(super) async fn list(windows: &impl WindowStore, from: Timestamp, to: Timestamp) -> Vec<Window> {
    let page = windows.list(from, to, 100, None).await.expect("the store responds");
    assert_eq!(page.next, None);
    page.items
}

/// Number of orders and revenue in minor units of one window.
async fn sum(windows: &impl WindowStore, start: Timestamp) -> (i64, i64) {
    let listed = list(windows, start, after(start, 1)).await;
    (listed.iter().map(|window| window.orders).sum(), listed.iter().map(|window| window.revenue.amount).sum())
}

pub async fn records_add_up_in_their_windows(fixture: &Fixture<impl WindowStore>) {
    let (start, lamp) = (a_window(), ProductId(fresh()));
    let records = [
        record(start, (1_000, "USD"), "US-CA", &[(lamp, 2)]),
        record(start, (500, "USD"), "US-CA", &[(lamp, 1)]),
        record(after(start, 1), (7, "USD"), "US-CA", &[(lamp, 1)]),
    ];
    fixture.port().add(&records).await.expect("added");
    let listed = list(fixture.port(), start, after(start, 1)).await;
    let expected = Window {
        orders: 2,
        revenue: Sum::new(1_500, "USD").expect("an amount"),
        top_products: vec![(lamp, "Lamp".to_owned(), 3)],
        by_region: vec![("US-CA".to_owned(), 2, 1_500)],
        units: 3,
        ..Window::empty(start, Currency::parse("USD").expect("a currency"))
    };
    assert_eq!(listed, [expected]);
    assert_eq!(sum(fixture.port(), after(start, 1)).await, (1, 7));
}

pub async fn record_counts_once_across_batches(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let (a, b, c) = (small_record(start), small_record(start), small_record(start));
    for batch in [vec![a.clone(), b.clone()], vec![a.clone(), b.clone()], vec![b.clone(), c.clone()], vec![c, a, b]] {
        fixture.port().add(&batch).await.expect("added");
    }
    assert_eq!(sum(fixture.port(), start).await, (3, 300));
}

pub async fn record_repeated_in_one_batch_counts_once(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let record = small_record(start);
    fixture.port().add(&[record.clone(), small_record(start), record]).await.expect("added");
    assert_eq!(sum(fixture.port(), start).await, (2, 200));
}

pub async fn record_added_concurrently_counts_once(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let batch = [small_record(start), small_record(start)];
    let added = join_all(fixture.concurrent(8).map(|windows| windows.add(&batch))).await;
    assert!(added.iter().all(Result::is_ok), "{added:?}");
    assert_eq!(sum(fixture.port(), start).await, (2, 200));
}

pub async fn concurrent_batches_neither_lose_records_nor_deadlock(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let (lamp, cord) = (ProductId(fresh()), ProductId(fresh()));
    let ahead =
        |at| [record(at, (1, "USD"), "US-CA", &[(lamp, 1), (cord, 1)]), record(at, (1, "EUR"), "DE-BE", &[(cord, 1)])];
    let batches: Vec<Vec<WindowEntry>> = (0..16)
        .map(|n| {
            let mut batch = [ahead(start), ahead(after(start, 1))].concat();
            if n % 2 == 1 {
                batch.reverse();
            }
            batch
        })
        .collect();
    let added =
        join_all(fixture.concurrent(batches.len()).zip(&batches).map(|(windows, batch)| windows.add(batch))).await;
    assert!(added.iter().all(Result::is_ok), "{added:?}");
    assert_eq!(sum(fixture.port(), start).await, (32, 32));
    assert_eq!(sum(fixture.port(), after(start, 1)).await, (32, 32));
}

pub async fn list_includes_its_start_excludes_its_end_and_is_oldest_first(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let records: Vec<WindowEntry> = [2, 0, 3, 1].map(|n| small_record(after(start, n))).into();
    fixture.port().add(&records).await.expect("added");
    let listed = list(fixture.port(), start, after(start, 3)).await;
    let starts: Vec<Timestamp> = listed.iter().map(|window| window.start).collect();
    assert_eq!(starts, [start, after(start, 1), after(start, 2)]);
    let just_after = Timestamp::from_second(start.as_second() + 1).expect("within the calendar");
    let listed = list(fixture.port(), just_after, after(start, 2)).await;
    assert_eq!(listed.iter().map(|window| window.start).collect::<Vec<_>>(), [after(start, 1)]);
}

pub async fn each_currency_has_its_own_window(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let records = [
        record(start, (5, "USD"), "US-CA", &[]),
        record(start, (7, "EUR"), "US-CA", &[]),
        record(start, (1, "EUR"), "DE-BE", &[]),
    ];
    fixture.port().add(&records).await.expect("added");
    let listed = list(fixture.port(), start, after(start, 1)).await;
    let mut sums: Vec<(&str, i64, i64)> =
        listed.iter().map(|window| (window.revenue.currency.code(), window.orders, window.revenue.amount)).collect();
    sums.sort_unstable();
    assert_eq!(sums, [("EUR", 2, 8), ("USD", 1, 5)]);
}

pub async fn products_are_sorted_by_units_and_regions_by_name(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let (few, many) = (ProductId(fresh()), ProductId(fresh()));
    let records = [
        record(start, (5, "USD"), "US-NY", &[(few, 1), (many, 2)]),
        record(start, (7, "USD"), "US-CA", &[(many, 9)]),
        record(start, (2, "USD"), "US-NY", &[(few, 3)]),
    ];
    fixture.port().add(&records).await.expect("added");
    let listed = list(fixture.port(), start, after(start, 1)).await;
    let [window] = &listed[..] else { panic!("{} windows", listed.len()) };
    let units: Vec<(ProductId, i64)> = window.top_products.iter().map(|(id, _, units)| (*id, *units)).collect();
    assert_eq!(units, [(many, 11), (few, 4)]);
    assert_eq!(window.by_region, [("US-CA".to_owned(), 1, 7), ("US-NY".to_owned(), 2, 7)]);
}

pub async fn window_revenue_may_exceed_the_maximum_of_an_order(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let records = [(); 3].map(|()| record(start, (MAX_AMOUNT, "USD"), "US-CA", &[]));
    fixture.port().add(&records).await.expect("added");
    let listed = list(fixture.port(), start, after(start, 1)).await;
    assert_eq!(listed[0].revenue, Sum::new(3 * MAX_AMOUNT, "USD").expect("a sum"));
    assert_eq!(listed[0].by_region, [("US-CA".to_owned(), 3, 3 * MAX_AMOUNT)]);
}

pub async fn window_lists_the_regions_with_the_most_revenue(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let regions: Vec<String> = (10..35).map(|n| format!("US-{n}")).collect();
    let records: Vec<WindowEntry> =
        regions.iter().zip(1..).map(|(name, minor)| record(start, (minor, "USD"), name, &[])).collect();
    fixture.port().add(&records).await.expect("added");
    let listed = list(fixture.port(), start, after(start, 1)).await;
    let named: Vec<&String> = listed[0].by_region.iter().map(|(name, _, _)| name).collect();
    assert_eq!(named, regions[regions.len() - MAX_REGIONS..].iter().collect::<Vec<_>>());
}

pub async fn page_starts_after_the_cursor_even_between_currencies(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let records: Vec<WindowEntry> = (0..3)
        .flat_map(|n| ["USD", "EUR"].map(|currency| record(after(start, n), (1, currency), "US-CA", &[])))
        .collect();
    fixture.port().add(&records).await.expect("added");
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let page = fixture.port().list(start, after(start, 3), 3, cursor.as_deref()).await.expect("a page");
        pages.push(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(pages.concat(), list(fixture.port(), start, after(start, 3)).await);
    let currencies: Vec<&str> = pages[0].iter().map(|window| window.revenue.currency.code()).collect();
    assert_eq!(currencies, ["EUR", "USD", "EUR"]);
}

pub async fn malformed_cursor_is_rejected(fixture: &Fixture<impl WindowStore>) {
    for cursor in [
        "",
        "x",
        "2026-11-21T12:00:00Z",
        "'; DROP TABLE windows --",
        "\u{0}",
        "9999999999999999-USD",
        "-377705116800-USD",
    ] {
        let rejected = fixture.port().list(a_window(), a_window(), 10, Some(cursor)).await;
        assert_eq!(rejected.expect_err(cursor).kind, FailureKind::Invalid, "{cursor}");
    }
}

pub async fn adding_no_records_succeeds(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    assert_eq!(fixture.port().add(&[]).await, Ok(()));
    assert_eq!(list(fixture.port(), start, after(start, 1)).await, []);
}
