//! Requests and messages as they are sent.

use super::world::QueuedMessage;
use crate::hostile::newer_events;
use domain::Event;
use edge::testing;
use kernel::{Timestamp, Uuid};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

/// Serialized requests and events, cached because each is sent more than once.
#[derive(Debug, Default)]
pub struct MessageCache {
    requests: RefCell<BTreeMap<usize, Value>>,
    bodies: RefCell<HashMap<Uuid, Rc<str>>>,
}

impl MessageCache {
    /// The request of command `n`; retries send the same bytes.
    pub fn request(&self, n: usize, write: impl FnOnce() -> Value) -> Value {
        self.requests.borrow_mut().entry(n).or_insert_with(write).clone()
    }

    /// An event as the body of a queue message.
    pub fn body(&self, message: &QueuedMessage, now: Timestamp) -> Rc<str> {
        let event = &message.event;
        if message.is_newer {
            return newer_body(event, message.is_unread(now)).to_string().into();
        }
        let write = || testing::bridge_event(&**event).to_string().into();
        Rc::clone(self.bodies.borrow_mut().entry(event.id).or_insert_with(write))
    }
}

/// An event as a newer function writes it: with members that readers do not know, or of a type that they do not know.
fn newer_body(event: &Event, is_unknown: bool) -> Value {
    let mut body = testing::bridge_event(event);
    newer_events::extend(&mut body["detail"]);
    if is_unknown {
        let name = format!("{}x", event.event.row().name);
        (body["detail-type"], body["detail"]["type"]) = (json!(name), json!(name));
    }
    body
}

impl QueuedMessage {
    /// Whether its consumer is too old to read it.
    pub fn is_unread(&self, now: Timestamp) -> bool {
        self.unread_until.is_some_and(|until| now < until)
    }
}
