//! Rules of [`DeadLetters`].

use super::{Fixture, Observed, Observer, fresh};
use edge::{DeadLetter, DeadLetters};
use std::collections::BTreeMap;

/// One test a rule of [`DeadLetters`], each over the `Fixture<Observed<impl DeadLetters, impl Observer<DeadLetter>>>` that the
/// expression gives when it is awaited.
#[macro_export]
macro_rules! contract_dead_letters {
    ($under:expr) => {
        $crate::each_rule! { dead_letters, $under;
            dead_letter_is_delivered_with_its_reason_and_original_body
            bodies_outside_the_character_set_of_sqs_are_delivered
        }
    };
}

fn a_letter(body: &str) -> DeadLetter {
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

async fn arrives(under: &Fixture<Observed<impl DeadLetters, impl Observer<DeadLetter>>>, letter: DeadLetter) {
    under.observed_port().send(letter.clone()).await.expect("buried");
    let mine = |arrived: &DeadLetter| arrived.record_id == letter.record_id;
    assert_eq!(under.observer().received(1, &mine).await, std::slice::from_ref(&letter));
}

pub async fn dead_letter_is_delivered_with_its_reason_and_original_body(
    under: &Fixture<Observed<impl DeadLetters, impl Observer<DeadLetter>>>,
) {
    arrives(under, a_letter("{\"not\": json ü 照明\n")).await;
}

pub async fn bodies_outside_the_character_set_of_sqs_are_delivered(
    under: &Fixture<Observed<impl DeadLetters, impl Observer<DeadLetter>>>,
) {
    for body in ["", "\u{0}\u{1}\u{fffe}", "a\u{8}b"] {
        arrives(under, a_letter(body)).await;
    }
}
