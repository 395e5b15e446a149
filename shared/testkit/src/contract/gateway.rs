//! Rules of [`Gateway`].

use super::{Under, fresh};
use crate::build;
use domain::{
    id::OrderId,
    payment::{Answer, Payment},
};
use futures_util::future::join_all;
use kernel::Kind;
use ports::Gateway;

/// One test a rule of [`Gateway`], each over the `Under<impl Gateway>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_gateway {
    ($under:expr) => {
        $crate::each_rule! { gateway, $under;
            a_good_card_is_charged
            a_card_that_is_declined_is_a_final_answer
            a_payment_is_charged_once_however_often_it_is_asked_for
            a_refusal_is_given_again
            a_payment_that_is_asked_for_many_times_at_once_is_charged_once
            two_payments_are_two_charges
        }
    };
}

fn payment(method: &str) -> Payment {
    build::order().id(OrderId(fresh())).method(method).payment()
}

pub async fn a_good_card_is_charged(under: &Under<impl Gateway>) {
    let answer = under.port().charge(&payment("pm_card_visa")).await;
    assert!(matches!(&answer, Ok(Answer::Charged(name)) if !name.is_empty()), "{answer:?}");
}

pub async fn a_card_that_is_declined_is_a_final_answer(under: &Under<impl Gateway>) {
    for method in ["pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail"] {
        let answer = under.port().charge(&payment(method)).await;
        assert!(matches!(&answer, Ok(Answer::Declined(code)) if !code.is_empty()), "{method}: {answer:?}");
    }
}

pub async fn a_payment_is_charged_once_however_often_it_is_asked_for(under: &Under<impl Gateway>) {
    let payment = payment("pm_card_visa");
    let first = under.port().charge(&payment).await.expect("an answer");
    for _ in 0..3 {
        assert_eq!(under.port().charge(&payment).await, Ok(first.clone()));
    }
}

pub async fn a_refusal_is_given_again(under: &Under<impl Gateway>) {
    let payment = payment("pm_card_visa_chargeDeclined");
    let first = under.port().charge(&payment).await.expect("an answer");
    assert_eq!(under.port().charge(&payment).await, Ok(first));
}

pub async fn a_payment_that_is_asked_for_many_times_at_once_is_charged_once(under: &Under<impl Gateway>) {
    let payment = payment("pm_card_visa");
    let answers = join_all(under.crowd(8).map(|gateway| gateway.charge(&payment))).await;
    let known = under.port().charge(&payment).await.expect("an answer");
    for answer in answers {
        match answer {
            Ok(answer) => assert_eq!(answer, known),
            // The key is in use at this moment: the same question is welcome later.
            Err(failure) => assert_eq!(failure.kind, Kind::Unavailable, "{failure}"),
        }
    }
}

pub async fn two_payments_are_two_charges(under: &Under<impl Gateway>) {
    let first = under.port().charge(&payment("pm_card_visa")).await.expect("an answer");
    let second = under.port().charge(&payment("pm_card_visa")).await.expect("an answer");
    assert_ne!(first, second);
}
