//! Contract of [`WindowStore`]: payments, cancellations, customers and summaries, and that no order of arrival matters.

use super::{
    Fixture, fresh,
    windows::{a_window, after, list, record},
};
use domain::{
    Money,
    address::Area,
    id::{ProductId, UserId},
    order::Reason,
    text::ProductName,
    window::{CountAndAmount, Counted, MinuteCount, WindowEntry},
};
use futures_util::future::join_all;
use kernel::Timestamp;
use ports::WindowStore;

/// Generates one test per rule of [`WindowStore`]. The expression is a future of a `Fixture<impl WindowStore>`.
#[macro_export]
macro_rules! contract_window_figures {
    ($fixture:expr) => {
        $crate::each_rule! { window_figures, $fixture;
            payments_and_cancellations_are_counted_by_outcome_and_reason
            first_order_of_a_customer_is_the_earliest_in_whatever_order_they_arrive
            forgotten_customer_orders_for_the_first_time_again
            any_order_repetition_and_batching_makes_the_windows_of_the_model
            summary_adds_up_days_with_their_peak_hours
            summary_counts_customers_and_the_time_between_their_orders
        }
    };
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD").expect("an amount")
}

fn seconds(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second() + seconds).expect("within the calendar")
}

/// So many seconds after the start of a window.
fn counted(window: Timestamp, offset: i64, counted: Counted) -> WindowEntry {
    WindowEntry { event_id: fresh(), at: seconds(window, offset), window, counted }
}

fn bought(window: Timestamp, offset: i64, customer: UserId) -> WindowEntry {
    let region = Area::parse("DE").expect("an area");
    let sale = Counted::Sale { revenue: usd(100), region, products: vec![], customer: Some(customer) };
    counted(window, offset, sale)
}

pub async fn payments_and_cancellations_are_counted_by_outcome_and_reason(fixture: &Fixture<impl WindowStore>) {
    let start = a_window();
    let cancelled = |reason| Counted::Cancellation { amount: usd(5), reason };
    let records = [
        Counted::Paid(usd(300)),
        Counted::Paid(usd(200)),
        Counted::Declined(usd(70)),
        Counted::Refunded(usd(11)),
        cancelled(Reason::TimedOut),
        cancelled(Reason::CustomerRequest),
        cancelled(Reason::TimedOut),
    ]
    .map(|one| counted(start, 0, one));
    fixture.port().add(&records).await.expect("added");
    let listed = list(fixture.port(), start, after(start, 1)).await;
    let [window] = &listed[..] else { panic!("{} windows", listed.len()) };
    assert_eq!((window.orders, window.revenue.amount), (0, 0));
    assert_eq!(window.payments.paid, CountAndAmount { count: 2, amount: 500 });
    assert_eq!(window.payments.declined, CountAndAmount { count: 1, amount: 70 });
    assert_eq!(window.payments.refunded, CountAndAmount { count: 1, amount: 11 });
    assert_eq!(window.cancellations, [(Reason::CustomerRequest, 1), (Reason::TimedOut, 2)]);
}

/// First orders of each window that there is.
async fn first_orders(windows: &impl WindowStore, start: Timestamp, count: i64) -> Vec<i64> {
    list(windows, start, after(start, count)).await.iter().map(|window| window.first_orders).collect()
}

pub async fn first_order_of_a_customer_is_the_earliest_in_whatever_order_they_arrive(
    fixture: &Fixture<impl WindowStore>,
) {
    let (start, ada, bob) = (a_window(), UserId(fresh()), UserId(fresh()));
    let add = async |records: &[WindowEntry]| fixture.port().add(records).await.expect("added");
    add(&[bought(after(start, 2), 9, ada), bought(after(start, 2), 8, ada), bought(after(start, 2), 9, bob)]).await;
    assert_eq!(first_orders(fixture.port(), start, 4).await, [2]);
    let late = bought(after(start, 1), 0, ada);
    add(&[late.clone(), bought(after(start, 3), 0, ada)]).await;
    assert_eq!(first_orders(fixture.port(), start, 4).await, [1, 1, 0]);
    add(&[bought(start, 299, ada), late]).await;
    assert_eq!(first_orders(fixture.port(), start, 4).await, [1, 0, 1, 0]);
}

pub async fn forgotten_customer_orders_for_the_first_time_again(fixture: &Fixture<impl WindowStore>) {
    let (start, ada, bob) = (a_window(), UserId(fresh()), UserId(fresh()));
    fixture.port().add(&[bought(start, 0, ada), bought(start, 0, bob)]).await.expect("added");
    fixture.port().forget(&[]).await.expect("nothing to forget");
    for _ in 0..2 {
        fixture.port().forget(&[ada]).await.expect("forgotten");
    }
    fixture.port().add(&[bought(after(start, 1), 0, ada), bought(after(start, 1), 0, bob)]).await.expect("added");
    assert_eq!(first_orders(fixture.port(), start, 2).await, [2, 1]);
}

/// A hundred records of six windows, of four customers and two currencies, in the order of their times.
fn many(start: Timestamp) -> Vec<WindowEntry> {
    let customers = [(); 4].map(|()| UserId(fresh()));
    let products = [(); 7].map(|()| ProductId(fresh()));
    let make = |n: usize| {
        let number = i64::try_from(n).expect("small");
        let amount = Money::new(number + 1, ["USD", "EUR"][n % 2]).expect("an amount");
        let counted = match n % 5 {
            0 => Counted::Paid(amount),
            1 => Counted::Cancellation { amount, reason: Reason::ALL[n % Reason::ALL.len()] },
            2 if n % 10 == 2 => Counted::Declined(amount),
            2 => Counted::Refunded(amount),
            _ => Counted::Sale {
                revenue: amount,
                region: Area::parse(["DE", "US-CA", "FR"][n % 3]).expect("an area"),
                products: vec![(products[n % 7], ProductName::parse("Lamp").expect("a name"), 1 + (n % 3) as u32)],
                customer: Some(customers[n * n % 4]),
            },
        };
        let at = seconds(start, 18 * number);
        WindowEntry { event_id: fresh(), at, window: domain::window::start(at).expect("a window"), counted }
    };
    (0..100).map(make).collect()
}

pub async fn any_order_repetition_and_batching_makes_the_windows_of_the_model(fixture: &Fixture<impl WindowStore>) {
    let (start, model) = (a_window(), crate::Platform::new().windows());
    let records = many(start);
    model.add(&records).await.expect("the model counts");
    // Steps that have no divisor in common with a hundred visit every record once.
    for (step, size) in [(37, 7), (61, 1), (99, 13), (3, 50)] {
        let order: Vec<WindowEntry> = (0..100).map(|n| records[n * step % 100].clone()).collect();
        for batch in order.chunks(size) {
            fixture.port().add(batch).await.expect("added");
        }
        let parts: Vec<&[WindowEntry]> = order.chunks(size + 5).collect();
        let added = join_all(fixture.concurrent(parts.len()).zip(&parts).map(|(port, part)| port.add(part))).await;
        assert!(added.iter().all(Result::is_ok), "{added:?}");
    }
    let (expected, counted) =
        (list(&model, start, after(start, 6)).await, list(fixture.port(), start, after(start, 6)).await);
    assert_eq!((expected.len(), counted), (12, expected));
}

/// The start of a random day of UTC.
fn a_day() -> Timestamp {
    let second = a_window().as_second();
    Timestamp::from_second(second - second.rem_euclid(86_400)).expect("within the calendar")
}

pub async fn summary_adds_up_days_with_their_peak_hours(fixture: &Fixture<impl WindowStore>) {
    let (day, lamp) = (a_day(), ProductId(fresh()));
    let hour = |hours: i64| seconds(day, hours * 3_600);
    let records = [
        record(hour(3), (10, "USD"), "DE", &[(lamp, 2)]),
        record(hour(3), (20, "EUR"), "DE", &[(lamp, 1)]),
        record(hour(9), (10, "USD"), "FR", &[(lamp, 1)]),
        record(after(hour(9), 11), (10, "USD"), "DE", &[(lamp, 1)]),
        record(hour(25), (10, "USD"), "DE", &[(lamp, 1)]),
        counted(hour(26), 0, Counted::Paid(usd(10))),
        counted(hour(49), 0, Counted::Paid(usd(10))),
    ];
    fixture.port().add(&records).await.expect("added");
    let now = seconds(hour(9), 100);
    let summary = fixture.port().summary(day, hour(48), now).await.expect("a summary");
    let days: Vec<_> = summary.days.iter().map(|day| (day.start, day.currency.code(), day.orders, day.units)).collect();
    assert_eq!(days, [(day, "EUR", 1, 1), (day, "USD", 3, 4), (hour(24), "USD", 1, 1)]);
    let peaks: Vec<_> = summary.days.iter().map(|day| day.peak_hour.map(|peak| (peak.start, peak.orders))).collect();
    assert_eq!(peaks, [Some((hour(3), 1)), Some((hour(9), 2)), Some((hour(25), 1))]);
    assert_eq!(summary.days[2].payments.paid, CountAndAmount { count: 1, amount: 10 });
    assert_eq!(summary.top_products[0].units, 6);
    let regions: Vec<_> = summary.regions.iter().map(|one| (one.region.as_str(), one.orders, one.revenue)).collect();
    assert_eq!(regions, [("DE", 3, 30), ("DE", 1, 20), ("FR", 1, 10)]);
    assert_eq!(summary.minutes, [MinuteCount { minute: hour(9), orders: 1 }]);
}

pub async fn summary_counts_customers_and_the_time_between_their_orders(fixture: &Fixture<impl WindowStore>) {
    let (day, ada, bob, eve) = (a_day(), UserId(fresh()), UserId(fresh()), UserId(fresh()));
    let empty = fixture.port().summary(day, seconds(day, 86_400), day).await.expect("a summary");
    assert_eq!((empty.days, empty.buyers.seconds_between_orders), (vec![], None));
    let records = [
        bought(day, 7, ada),
        bought(after(day, 1), 0, ada),
        bought(after(day, 2), 7, ada),
        bought(day, 0, bob),
        bought(after(day, 10), 1, bob),
        bought(day, 0, eve),
    ];
    fixture.port().add(&records).await.expect("added");
    let buyers = fixture.port().summary(day, seconds(day, 86_400), day).await.expect("a summary").buyers;
    assert_eq!((buyers.once, buyers.again), (1, 2));
    // Ada took 600 seconds for two orders more, Bob 3 001 for one.
    assert_eq!(buyers.seconds_between_orders, Some(3_601 / 3));
}
