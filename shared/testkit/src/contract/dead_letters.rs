//! Contract of [`DeadLetters`].

use super::{Fixture, Observed, Observer, fresh};
use edge::{DeadLetter, DeadLetters};
use std::collections::BTreeMap;

/// Generates one test per rule of [`DeadLetters`]. The expression is a future of a
/// `Fixture<Observed<impl DeadLetters, impl Observer<DeadLetter>>>`.
#[macro_export]
macro_rules! contract_dead_letters {
    ($fixture:expr) => {
        $crate::each_rule! { dead_letters, $fixture;
            dead_letter_is_delivered_with_its_reason_and_original_body
            bodies_outside_the_character_set_of_sqs_are_delivered
        }
    };
}

fn a_dead_letter(body: &str) -> DeadLetter {
    DeadLetter {
        body: body.to_owned(),
        reason: "unreadable".to_owned(),
        detail: "expected value at line 1".to_owned(),
        function: catalog::STOCK_RESERVE.name.to_owned(),
        attempt: 3,
        record_id: fresh().to_string(),
        source: "arn:aws:sqs:eu-central-1:123456789012:queue".to_owned(),
        attributes: BTreeMap::from([("trace".to_owned(), "1-5759e988".to_owned())]),
    }
}

async fn assert_delivered(
    fixture: &Fixture<Observed<impl DeadLetters, impl Observer<DeadLetter>>>,
    dead_letter: DeadLetter,
) {
    fixture.observed_port().send(dead_letter.clone()).await.expect("sent");
    let mine = |received: &DeadLetter| received.record_id == dead_letter.record_id;
    assert_eq!(fixture.observer().received(1, &mine).await, std::slice::from_ref(&dead_letter));
}

pub async fn dead_letter_is_delivered_with_its_reason_and_original_body(
    fixture: &Fixture<Observed<impl DeadLetters, impl Observer<DeadLetter>>>,
) {
    assert_delivered(fixture, a_dead_letter("{\"not\": json ü 照明\n")).await;
}

pub async fn bodies_outside_the_character_set_of_sqs_are_delivered(
    fixture: &Fixture<Observed<impl DeadLetters, impl Observer<DeadLetter>>>,
) {
    for body in ["", "\u{0}\u{1}\u{fffe}", "a\u{8}b"] {
        assert_delivered(fixture, a_dead_letter(body)).await;
    }
}
