//! Rules of [`DeadLetters`].

use super::{Beyond, Under, Watched, fresh};
use edge::{DeadLetter, DeadLetters};
use std::collections::BTreeMap;

/// One test a rule of [`DeadLetters`], each over the `Under<Watched<impl DeadLetters, impl Beyond<DeadLetter>>>` that the
/// expression gives when it is awaited.
#[macro_export]
macro_rules! contract_dead_letters {
    ($under:expr) => {
        $crate::each_rule! { dead_letters, $under;
            a_letter_arrives_with_its_reason_and_its_body_as_it_came
            bodies_that_no_queue_takes_as_they_are_arrive_all_the_same
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

async fn arrives(under: &Under<Watched<impl DeadLetters, impl Beyond<DeadLetter>>>, letter: DeadLetter) {
    under.door().bury(letter.clone()).await.expect("buried");
    let mine = |arrived: &DeadLetter| arrived.record_id == letter.record_id;
    assert_eq!(under.beyond().arrived(1, &mine).await, std::slice::from_ref(&letter));
}

pub async fn a_letter_arrives_with_its_reason_and_its_body_as_it_came(
    under: &Under<Watched<impl DeadLetters, impl Beyond<DeadLetter>>>,
) {
    arrives(under, a_letter("{\"not\": json ü 照明\n")).await;
}

pub async fn bodies_that_no_queue_takes_as_they_are_arrive_all_the_same(
    under: &Under<Watched<impl DeadLetters, impl Beyond<DeadLetter>>>,
) {
    for body in ["", "\u{0}\u{1}\u{fffe}", "a\u{8}b"] {
        arrives(under, a_letter(body)).await;
    }
}
