//! Every event comes from somewhere and goes somewhere.

use super::expect_none;
use catalog::{EVENTS, FUNCTIONS, TOPICS, Trigger};
use xtask::codegen::{template::topic_events, topology};

#[test]
fn every_event_has_a_producer_in_its_context() {
    let mut complaints = Vec::new();
    for event in EVENTS {
        let producers = topology::producers(event);
        if producers.is_empty() {
            complaints.push(format!("nobody publishes {}", event.name));
        }
        for name in producers {
            let context = catalog::find(name).map(|row| row.context);
            if context != Some(event.context) {
                complaints.push(format!("{name} publishes {}, which belongs to {}", event.name, event.context.name()));
            }
        }
    }
    expect_none(&complaints, "add `.publishes(…)` to the row that publishes it, or drop the event");
}

#[test]
fn every_event_has_a_consumer() {
    let lonely = EVENTS.iter().filter(|event| topology::consumers(event).is_empty());
    let complaints: Vec<_> = lonely.map(|event| format!("nobody consumes {}", event.name)).collect();
    expect_none(&complaints, "an event that nobody wants is not published");
}

#[test]
fn whoever_publishes_reaches_the_bus() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let has_bus = row.uses.iter().any(|uses| matches!(uses, catalog::Uses::Bus));
        if !row.publishes.is_empty() && !has_bus {
            complaints.push(format!("{} publishes, but does not use the bus", row.name));
        }
    }
    expect_none(&complaints, "add Uses::Bus to the row");
}

#[test]
fn a_topic_carries_its_own_context_to_somebody() {
    let mut complaints = Vec::new();
    for topic in TOPICS {
        let events = topic_events(topic);
        let hears =
            |row: &&catalog::Function| matches!(row.trigger, Trigger::ExternalTopic(heard) if heard.name == topic.name);
        if events.is_empty() && !FUNCTIONS.iter().any(hears) {
            complaints.push(format!("nobody listens to {}", topic.name));
        }
        for event in events.iter().filter(|event| event.context != topic.context) {
            complaints.push(format!("{} carries {} of another context", topic.name, event.name));
        }
    }
    expect_none(&complaints, "subscribe to a topic of the event's context, or by a queue on the bus");
}

#[test]
fn a_stream_carries_what_somebody_puts_on_it() {
    let mut complaints = Vec::new();
    for reader in FUNCTIONS {
        let Trigger::Stream(stream, events) = reader.trigger else { continue };
        for event in events {
            let puts = |row: &&&catalog::Function| {
                row.consumes().iter().any(|consumed| consumed.name == event.name)
                    && row.uses.iter().any(|uses| matches!(uses, catalog::Uses::Stream(out) if out.name == stream.name))
            };
            if !FUNCTIONS.iter().any(|row| puts(&row)) {
                complaints.push(format!("{} expects {} on {}", reader.name, event.name, stream.name));
            }
        }
    }
    expect_none(&complaints, "let a function consume the event and put it on the stream");
}
