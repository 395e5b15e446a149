//! Closing a window: its figures are published, and again for each revision, and it is compared with the weeks before.

use super::{
    Window,
    anomaly::{self, Baseline, Sales},
};
use crate::{
    DomainEvent, Event,
    address::Area,
    event::{AnomalyDetected, CancelledOrders, RegionSales, UnitsSold, WindowClosed},
    money::Currency,
};
use kernel::{EventContext, Failure, Timestamp, Uuid};

/// A window with a revision that is not published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedWindow {
    pub window: Window,
    /// Number of its changes, by which the store recognizes that it has changed since.
    pub changes: i64,
    /// What it is compared with; `None` if a revision was published before, which was compared.
    pub baseline: Option<Baseline>,
}

/// A window and the events that publish it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowRevision {
    pub start: Timestamp,
    pub currency: Currency,
    pub revision: i64,
    pub changes: i64,
    pub events: Vec<Event>,
}

/// An anomaly of a window that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAnomaly {
    /// Id of the event that publishes it.
    pub id: Uuid,
    pub found_at: Timestamp,
    pub anomaly: AnomalyDetected,
}

impl WindowRevision {
    /// The anomalies among its events.
    pub fn anomalies(&self) -> impl Iterator<Item = FoundAnomaly> {
        self.events.iter().filter_map(|event| match &event.event {
            DomainEvent::AnomalyDetected(anomaly) => {
                Some(FoundAnomaly { id: event.id, found_at: event.time, anomaly: anomaly.clone() })
            }
            _ => None,
        })
    }
}

/// The events that publish the current revision of a window. Their subject is the window.
pub fn closing(changed: &ChangedWindow, context: EventContext<'_>) -> Result<WindowRevision, Failure> {
    let window = &changed.window;
    let (start, currency) = (window.start, window.revenue.currency);
    let subject = format!("{start}-{}", currency.code());
    let sequence = u64::try_from(window.revision).map_err(Failure::internal)?;
    let mut payloads = vec![DomainEvent::from(closed(window, sequence)?)];
    let observed = Sales { orders: window.orders, revenue: window.revenue.amount };
    let found = changed.baseline.iter().flat_map(|baseline| anomaly::anomalies(observed, baseline));
    for anomaly in found {
        let (least, most) = anomaly.usual;
        let (metric, observed, expected) = (anomaly.metric, anomaly.observed, anomaly.expected);
        let end = window.end()?;
        payloads.push(AnomalyDetected { start, end, currency, metric, observed, expected, least, most }.into());
    }
    let events = context.events(subject, sequence, &payloads);
    Ok(WindowRevision { start, currency, revision: window.revision, changes: changed.changes, events })
}

fn closed(window: &Window, revision: u64) -> Result<WindowClosed, Failure> {
    let region = |(area, orders, revenue): &(String, i64, i64)| {
        Ok(RegionSales { area: Area::parse(area).map_err(Failure::internal)?, orders: *orders, revenue: *revenue })
    };
    let regions = window.by_region.iter().map(region).collect::<Result<_, Failure>>()?;
    let units = |(product_id, _, units): &(_, String, i64)| UnitsSold { product_id: *product_id, units: *units };
    let cancelled = |(reason, orders): &(_, i64)| CancelledOrders { reason: *reason, orders: *orders };
    Ok(WindowClosed {
        start: window.start,
        end: window.end()?,
        currency: window.revenue.currency,
        revision,
        orders: window.orders,
        revenue: window.revenue.amount,
        average_order_value: window.average_order_value()?.amount,
        units: window.units,
        first_orders: window.first_orders,
        paid: window.payments.paid,
        declined: window.payments.declined,
        refunded: window.payments.refunded,
        cancellations: window.cancellations.iter().map(cancelled).collect(),
        top_products: window.top_products.iter().map(units).collect(),
        regions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Ids, TraceContext};

    fn window() -> Window {
        let start = "2026-11-21T08:45:00Z".parse().expect("a timestamp");
        let empty = Window::empty(start, Currency::parse("EUR").expect("a currency"));
        Window { orders: 2, by_region: vec![("DE-BE".to_owned(), 2, 900)], revision: 3, ..empty }
    }

    fn close(baseline: Option<Baseline>) -> WindowRevision {
        let (now, trace) = (Timestamp::UNIX_EPOCH, TraceContext::new(Uuid::from_u128(7)));
        let context = EventContext { now, ids: &Ids::seeded(1, now), trace: &trace, actor: None };
        closing(&ChangedWindow { window: window(), changes: 5, baseline }, context).expect("a closing")
    }

    #[test]
    fn closed_window_is_keyed_by_start_and_currency_and_counted_by_revision() {
        let closing = close(None);
        let [event] = &closing.events[..] else { panic!("{closing:?}") };
        assert_eq!((event.subject.as_str(), event.sequence), ("2026-11-21T08:45:00Z-EUR", 3));
        let DomainEvent::WindowClosed(closed) = &event.event else { panic!("{event:?}") };
        assert_eq!((closed.revision, closed.orders, closed.regions[0].revenue), (3, 2, 900));
        assert_eq!((closing.revision, closing.changes, closing.anomalies().count()), (3, 5, 0));
    }

    #[test]
    fn anomalies_are_published_with_the_window_that_they_are_about() {
        let usual = Sales { orders: 100, revenue: 200_000 };
        let windows = vec![usual; anomaly::WEEKS * anomaly::WINDOWS_OF_WEEK];
        let closing = close(Some(Baseline { previous: Some(usual), windows }));
        assert_eq!(closing.anomalies().count(), 2);
        let subjects = closing.events.iter().map(|event| event.subject.as_str());
        assert!(subjects.eq(["2026-11-21T08:45:00Z-EUR"; 3]));
    }
}
