//! Rules that the rows of the catalog keep, or nothing is generated from them.

use super::alarms;
use crate::Result;
use catalog::{EVENTS, Event, FUNCTIONS, Function, Signal, Trigger};
use std::collections::{BTreeMap, BTreeSet};

/// Functions by name, each with those that consume what it publishes.
type Graph = BTreeMap<&'static str, Vec<&'static str>>;

/// Functions whose events cause each other, and why that ends.
const ENDING_CYCLES: &[(&[&str], &str)] = &[(
    &["order-advance", "payment-close", "payment-refund"],
    "a cancellation requests a refund, and a cancelled order ignores it",
)];

/// Fails with the names of the rows that break a rule.
pub(super) fn check() -> Result<()> {
    let complaints = [
        routes(FUNCTIONS),
        unknown_events(FUNCTIONS),
        unused_events(FUNCTIONS),
        unending_cycles(FUNCTIONS),
        unobserved_dead_letters(FUNCTIONS),
    ]
    .concat();
    if complaints.is_empty() {
        return Ok(());
    }
    Err(format!("correct these rows of shared/catalog:\n  {}", complaints.join("\n  ")))
}

/// Names and routes that several functions have.
#[must_use]
pub fn routes(rows: &[&Function]) -> Vec<String> {
    let mut seen = BTreeMap::<String, Vec<&str>>::new();
    for row in rows {
        seen.entry(format!("the name {}", row.name)).or_default().push(row.name);
        if let Trigger::Http { method, path, .. } = row.trigger {
            // The name of a parameter does not distinguish routes.
            let shape: Vec<_> = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
            seen.entry(format!("the route {} {}", method.name(), shape.join("/"))).or_default().push(row.name);
        }
    }
    let twice = seen.into_iter().filter(|(_, rows)| rows.len() > 1);
    twice.map(|(what, rows)| format!("{} have {what}: give each its own", rows.join(" and "))).collect()
}

/// Events of rows that `EVENTS` lacks, so that they have no schema and no rule on the bus.
#[must_use]
pub fn unknown_events(rows: &[&Function]) -> Vec<String> {
    let is_unknown = |event: &&&Event| !EVENTS.iter().any(|known| known.name == event.name);
    let of_row = |row: &&Function| {
        let consumed = row.consumes();
        let events = row.publishes.iter().chain(consumed.iter()).filter(is_unknown);
        events.map(|event| format!("{} names the event {}: add it to EVENTS", row.name, event.name)).collect::<Vec<_>>()
    };
    rows.iter().flat_map(of_row).collect()
}

/// Events that nobody publishes or nobody consumes.
#[must_use]
pub fn unused_events(rows: &[&Function]) -> Vec<String> {
    let mut complaints = Vec::new();
    for event in EVENTS {
        let has = |events: &[&Event]| events.iter().any(|other| other.name == event.name);
        if !rows.iter().any(|row| has(row.publishes)) {
            complaints.push(format!("no function publishes {}: add it to a row, or delete the event", event.name));
        }
        if !rows.iter().any(|row| has(row.consumes())) {
            complaints.push(format!("no function consumes {}: add it to a row, or delete the event", event.name));
        }
    }
    complaints
}

/// Functions whose events cause each other for no recorded reason, and records of cycles that are gone.
#[must_use]
pub fn unending_cycles(rows: &[&'static Function]) -> Vec<String> {
    let consumers = |event: &Event| {
        let consumes = |row: &&&Function| row.consumes().iter().any(|consumed| consumed.name == event.name);
        rows.iter().filter(consumes).map(|row| row.name).collect::<Vec<_>>()
    };
    let next = |row: &Function| row.publishes.iter().flat_map(|event| consumers(event)).collect();
    let graph: Graph = rows.iter().map(|row| (row.name, next(row))).collect();
    let recorded: BTreeSet<_> = ENDING_CYCLES.iter().map(|(cycle, _)| cycle.to_vec()).collect();
    let different = cycles(&graph);
    let different = different.symmetric_difference(&recorded);
    different
        .map(|cycle| {
            format!("{} cause each other: break the cycle, or record in ENDING_CYCLES why it ends", cycle.join(", "))
        })
        .collect()
}

/// Consumers whose dead-letter queue no alarm observes.
#[must_use]
pub fn unobserved_dead_letters(rows: &[&Function]) -> Vec<String> {
    let observed: BTreeSet<_> = alarms::expanded()
        .into_iter()
        .filter(|alarm| matches!(alarm.row.signal, Signal::DeadLetterQueues(_)))
        .filter_map(|alarm| alarm.function)
        .map(|function| function.name)
        .collect();
    let lacks = |row: &&&Function| row.has_dead_letter_queue() && !observed.contains(row.name);
    rows.iter()
        .filter(lacks)
        .map(|row| format!("{} has dead letters without an alarm: add its context to a row", row.name))
        .collect()
}

/// The functions that an event of this one reaches, also by the events of others.
fn reached(graph: &Graph, from: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let mut left = graph[from].clone();
    while let Some(name) = left.pop() {
        if found.insert(name) {
            left.extend(&graph[name]);
        }
    }
    found
}

/// The functions that reach themselves, together with those that they reach and are reached by.
fn cycles(graph: &Graph) -> BTreeSet<Vec<&'static str>> {
    let reachable: BTreeMap<_, _> = graph.keys().map(|name| (*name, reached(graph, name))).collect();
    let causing_themselves = reachable.iter().filter(|(name, others)| others.contains(*name));
    causing_themselves
        .map(|(name, others)| others.iter().copied().filter(|other| reachable[other].contains(name)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{ORDER_CONFIRMED, ORDER_PLACE, STOCK_RESERVE};

    /// The rows of the catalog, and a changed copy of one.
    fn with(of: &Function, change: impl FnOnce(&mut Function)) -> Vec<&'static Function> {
        let mut row = *of;
        change(&mut row);
        FUNCTIONS.iter().copied().chain([&*Box::leak(Box::new(row))]).collect()
    }

    #[test]
    fn rows_of_the_catalog_keep_the_rules() {
        assert_eq!(check(), Ok(()));
    }

    #[test]
    fn two_functions_on_one_route_are_refused_by_name() {
        let complaints = routes(&with(ORDER_PLACE, |row| row.name = "order-place-again"));
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].starts_with("order-place and order-place-again have the route POST "), "{complaints:?}");
        assert_eq!(
            routes(&with(STOCK_RESERVE, |_| {})),
            ["stock-reserve and stock-reserve have the name stock-reserve: give each its own"]
        );
    }

    #[test]
    fn event_that_is_not_known_is_refused_with_the_row() {
        const INVENTED: &Event = &Event {
            name: "OrderInvented.v1",
            context: ORDER_CONFIRMED.context,
            topic: ORDER_CONFIRMED.topic,
            exported: &[],
        };
        let complaints = unknown_events(&with(STOCK_RESERVE, |row| {
            row.name = "order-invent";
            row.publishes = &[INVENTED];
        }));
        assert_eq!(complaints, ["order-invent names the event OrderInvented.v1: add it to EVENTS"]);
    }

    #[test]
    fn event_without_a_consumer_is_refused() {
        let without: Vec<_> = FUNCTIONS.iter().copied().filter(|row| row.consumes().is_empty()).collect();
        assert_eq!(unused_events(&without).iter().filter(|text| text.contains("consumes")).count(), EVENTS.len());
    }

    #[test]
    fn function_that_causes_itself_is_refused() {
        let complaints = unending_cycles(&with(STOCK_RESERVE, |row| {
            row.name = "stock-again";
            row.publishes = STOCK_RESERVE.consumes();
        }));
        assert!(complaints.iter().any(|text| text.contains("stock-again")), "{complaints:?}");
    }

    #[test]
    fn consumer_without_an_alarm_on_its_dead_letters_is_refused() {
        let complaints = unobserved_dead_letters(&with(STOCK_RESERVE, |row| row.name = "stock-again"));
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].starts_with("stock-again has dead letters"), "{complaints:?}");
    }

    #[test]
    fn cycle_of_events_is_found_without_the_functions_before_and_after_it() {
        let graph = Graph::from([
            ("before", vec!["first"]),
            ("first", vec!["second"]),
            ("second", vec!["after", "first"]),
            ("after", vec![]),
            ("alone", vec!["after", "alone"]),
        ]);
        assert_eq!(cycles(&graph), BTreeSet::from([vec!["alone"], vec!["first", "second"]]));
    }
}
