//! Contract of [`DeadLetterQueues`], [`ConsumerQueues`] and [`QueueDepths`].

use super::{Fixture, fresh};
use domain::queue::{DeadMessage, QueueDepth};
use edge::{DeadLetter, DeadLetters};
use ports::{ConsumerQueues, DeadLetterQueues, QueueDepths};
use std::collections::{BTreeMap, BTreeSet};

/// A consumer that reads a queue.
pub const CONSUMER: &catalog::Function = catalog::STOCK_RESERVE;

/// All queues, and what sends to the dead-letter queue of [`CONSUMER`].
#[derive(Debug)]
pub struct QueuesAndDeadLetters<Q, D> {
    pub queues: Q,
    pub dead_letters: D,
}

/// Generates one test per rule. The expression is a future of a
/// `Fixture<QueuesAndDeadLetters<impl DeadLetterQueues + QueueDepths, impl DeadLetters>>` without messages.
#[macro_export]
macro_rules! contract_dead_letter_queues {
    ($fixture:expr) => {
        $crate::each_rule! { dead_letter_queues, $fixture;
            dead_letter_is_received_as_it_came_with_what_the_consumer_said
            received_dead_letter_is_hidden_until_it_is_released
            redriven_message_leaves_the_dead_letters_and_waits_for_its_consumer
            removed_message_leaves_the_dead_letters_and_no_other_does
            more_messages_than_one_receive_returns_are_received
            message_sent_to_a_consumer_waits_in_its_queue
        }
    };
}

async fn put(dead_letters: &impl DeadLetters, body: &str) {
    let dead_letter = DeadLetter {
        body: body.to_owned(),
        reason: "not-found".to_owned(),
        detail: "There is no such order.".to_owned(),
        function: CONSUMER.name.to_owned(),
        attempt: 3,
        record_id: fresh().to_string(),
        source: "arn:aws:sqs:eu-central-1:123456789012:queue".to_owned(),
        attributes: BTreeMap::from([("trace".to_owned(), "1-5759e988".to_owned())]),
    };
    dead_letters.send(dead_letter).await.expect("sent");
}

/// Receives until this many are found. SQS may overlook some.
async fn received(queues: &impl DeadLetterQueues, count: usize) -> Vec<DeadMessage> {
    let mut found = Vec::new();
    for _ in 0..20 {
        found.extend(queues.receive(CONSUMER.name, 100).await.expect("a response"));
        if found.len() >= count {
            break;
        }
    }
    assert_eq!(found.len(), count);
    found
}

async fn depth(queues: &impl QueueDepths) -> (u64, u64) {
    let depths = queues.depths(&[CONSUMER.name]).await.expect("a response");
    let [QueueDepth { queue: Some(queue), dead_letters, .. }] = &depths[..] else { panic!("{depths:?}") };
    (queue.visible + queue.in_flight + queue.delayed, *dead_letters)
}

pub async fn dead_letter_is_received_as_it_came_with_what_the_consumer_said(
    fixture: &Fixture<QueuesAndDeadLetters<impl DeadLetterQueues + QueueDepths, impl DeadLetters>>,
) {
    let port = fixture.port();
    // SQS takes the first as it is, and the others encoded. Each is hidden once it was received.
    for body in ["{\"a\": 1}", "", "a\u{8}b"] {
        put(&port.dead_letters, body).await;
        let [message] = &received(&port.queues, 1).await[..] else { panic!("one message") };
        assert_eq!(message.body, body);
        let notes = ["reason", "detail", "attempt"].map(|name| message.notes[name].as_str());
        assert_eq!(notes, ["not-found", "There is no such order.", "3"]);
        assert_eq!(message.attributes, BTreeMap::from([("trace".to_owned(), "1-5759e988".to_owned())]));
    }
}

pub async fn received_dead_letter_is_hidden_until_it_is_released(
    fixture: &Fixture<QueuesAndDeadLetters<impl DeadLetterQueues + QueueDepths, impl DeadLetters>>,
) {
    let port = fixture.port();
    put(&port.dead_letters, "{}").await;
    let found = received(&port.queues, 1).await;
    assert_eq!(port.queues.receive(CONSUMER.name, 10).await.expect("a response"), []);
    port.queues.release(CONSUMER.name, &found).await.expect("released");
    assert_eq!(received(&port.queues, 1).await[0].id, found[0].id);
}

pub async fn redriven_message_leaves_the_dead_letters_and_waits_for_its_consumer(
    fixture: &Fixture<QueuesAndDeadLetters<impl DeadLetterQueues + QueueDepths, impl DeadLetters>>,
) {
    let port = fixture.port();
    put(&port.dead_letters, "{}").await;
    assert_eq!(depth(&port.queues).await, (0, 1));
    let found = received(&port.queues, 1).await;
    port.queues.redrive(CONSUMER.name, &found[0], 1).await.expect("redriven");
    assert_eq!(depth(&port.queues).await, (1, 0));
}

pub async fn removed_message_leaves_the_dead_letters_and_no_other_does(
    fixture: &Fixture<QueuesAndDeadLetters<impl DeadLetterQueues + QueueDepths, impl DeadLetters>>,
) {
    let port = fixture.port();
    put(&port.dead_letters, "1").await;
    put(&port.dead_letters, "2").await;
    let found = received(&port.queues, 2).await;
    port.queues.remove(CONSUMER.name, &found[0]).await.expect("removed");
    assert_eq!(depth(&port.queues).await, (0, 1));
    port.queues.release(CONSUMER.name, &found[1..]).await.expect("released");
    assert_eq!(received(&port.queues, 1).await[0].id, found[1].id);
}

pub async fn more_messages_than_one_receive_returns_are_received(
    fixture: &Fixture<QueuesAndDeadLetters<impl DeadLetterQueues + QueueDepths, impl DeadLetters>>,
) {
    let port = fixture.port();
    for n in 0..12 {
        put(&port.dead_letters, &n.to_string()).await;
    }
    let bodies: BTreeSet<String> = received(&port.queues, 12).await.into_iter().map(|message| message.body).collect();
    assert_eq!(bodies.len(), 12);
}

pub async fn message_sent_to_a_consumer_waits_in_its_queue(
    fixture: &Fixture<QueuesAndDeadLetters<impl ConsumerQueues + QueueDepths, impl DeadLetters>>,
) {
    let queues = &fixture.port().queues;
    queues.send(CONSUMER.name, "{}", 0).await.expect("sent");
    let depths = queues.depths(&[CONSUMER.name]).await.expect("counted");
    let waiting = depths[0].queue.as_ref().map(|queue| queue.visible + queue.in_flight + queue.delayed);
    assert_eq!((waiting, depths[0].dead_letters), (Some(1), 0));
}
