//! Rules of [`Gateway`].

use super::{Fixture, fresh, later, now};
use crate::build::{self, usd};
use domain::{
    id::{OrderId, RefundId},
    ledger::{GatewayTransaction, Purpose},
    payment::{self, ChargeOutcome, Payment, Refund, RefundOutcome, RefundReason, RefundStatus},
    text::PaymentMethod,
};
use futures_util::future::join_all;
use kernel::FailureKind;
use ports::Gateway;

/// One test a rule of [`Gateway`], each over the `Fixture<impl Gateway>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_gateway {
    ($under:expr) => {
        $crate::each_rule! { gateway, $under;
            valid_card_is_charged
            declined_card_is_a_final_result
            repeated_charge_requests_charge_once
            repeated_charge_request_returns_the_same_decline
            concurrent_charge_requests_charge_once
            two_payments_make_two_charges
            second_attempt_is_a_separate_charge_request
            result_of_the_last_attempt_is_found
            attempt_without_a_charge_request_is_not_found
            finding_an_attempt_charges_nothing
            partial_refund_may_be_followed_by_the_remainder
            repeated_refund_requests_refund_once
            concurrent_refund_requests_refund_once
            refunds_never_exceed_the_charge
            repeated_refund_request_returns_the_same_rejection
            refund_result_is_found_by_its_refund_id
            balance_movements_carry_the_ids_of_their_charges_and_refunds
            declined_charge_creates_no_balance_movement
        }
    };
}

fn payment(method: &str) -> Payment {
    build::order().id(OrderId(fresh())).method(method).at(now()).payment()
}

/// A payment of 39.98 USD that was charged, and the gateway's name for that.
async fn charged(gateway: &impl Gateway) -> (Payment, String) {
    let payment = payment("pm_card_visa");
    let answer = gateway.charge(&payment).await.expect("an answer");
    let ChargeOutcome::Charged(name) = &answer else { panic!("{answer:?}") };
    (build::concluded(&payment, &answer).payment, name.clone())
}

/// The same payment with a refund of so many cents, and that refund.
fn asked_back(payment: &Payment, cents: i64) -> (Payment, Refund) {
    let refund = Refund {
        id: RefundId(fresh()),
        amount: usd(cents),
        reason: RefundReason::RequestedByCustomer,
        status: RefundStatus::Pending,
        transaction_id: None,
        requested_at: now(),
    };
    let mut payment = payment.clone();
    payment.refunds.push(refund.clone());
    (payment, refund)
}

async fn refund(gateway: &impl Gateway, payment: &Payment, cents: i64) -> RefundOutcome {
    let (payment, refund) = asked_back(payment, cents);
    gateway.refund(&payment, &refund).await.expect("an answer")
}

fn is_refunded(answer: &RefundOutcome) -> bool {
    matches!(answer, RefundOutcome::Refunded(name) if !name.is_empty())
}

fn is_refused(answer: &RefundOutcome) -> bool {
    matches!(answer, RefundOutcome::Failed(code) if !code.is_empty())
}

/// The movements of the hour before and after now that `wanted` names.
async fn movements(gateway: &impl Gateway, wanted: impl Fn(&GatewayTransaction) -> bool) -> Vec<GatewayTransaction> {
    let found = gateway.movements(later(-3_600), later(3_600)).await.expect("an answer");
    found.transactions.into_iter().filter(wanted).collect()
}

pub async fn valid_card_is_charged(under: &Fixture<impl Gateway>) {
    let answer = under.port().charge(&payment("pm_card_visa")).await;
    assert!(matches!(&answer, Ok(ChargeOutcome::Charged(name)) if !name.is_empty()), "{answer:?}");
}

pub async fn declined_card_is_a_final_result(under: &Fixture<impl Gateway>) {
    for method in ["pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail"] {
        let answer = under.port().charge(&payment(method)).await;
        assert!(matches!(&answer, Ok(ChargeOutcome::Declined(code)) if !code.is_empty()), "{method}: {answer:?}");
    }
}

pub async fn repeated_charge_requests_charge_once(under: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa");
    let first = under.port().charge(&payment).await.expect("an answer");
    for _ in 0..3 {
        assert_eq!(under.port().charge(&payment).await, Ok(first.clone()));
    }
}

pub async fn repeated_charge_request_returns_the_same_decline(under: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa_chargeDeclined");
    let first = under.port().charge(&payment).await.expect("an answer");
    assert_eq!(under.port().charge(&payment).await, Ok(first));
}

pub async fn concurrent_charge_requests_charge_once(under: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa");
    let answers = join_all(under.concurrent(8).map(|gateway| gateway.charge(&payment))).await;
    let known = under.port().charge(&payment).await.expect("an answer");
    for answer in answers {
        match answer {
            Ok(answer) => assert_eq!(answer, known),
            // The key is in use at this moment: the same question is welcome later.
            Err(failure) => assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}"),
        }
    }
}

pub async fn two_payments_make_two_charges(under: &Fixture<impl Gateway>) {
    let first = under.port().charge(&payment("pm_card_visa")).await.expect("an answer");
    let second = under.port().charge(&payment("pm_card_visa")).await.expect("an answer");
    assert_ne!(first, second);
}

/// A payment whose first card was declined, and that is tried again with a good one.
async fn tried_again(gateway: &impl Gateway) -> Payment {
    let first = payment("pm_card_visa_chargeDeclined");
    let answer = gateway.charge(&first).await.expect("an answer");
    let failed = build::concluded(&first, &answer).payment;
    let card = PaymentMethod::parse("pm_card_visa").expect("a token");
    payment::retry_payment(&failed, card, now()).expect("a step").payment
}

pub async fn second_attempt_is_a_separate_charge_request(under: &Fixture<impl Gateway>) {
    let again = tried_again(under.port()).await;
    let answer = under.port().charge(&again).await;
    assert!(matches!(&answer, Ok(ChargeOutcome::Charged(_))), "{answer:?}");
    assert_eq!(under.port().charge(&again).await, answer);
}

pub async fn result_of_the_last_attempt_is_found(under: &Fixture<impl Gateway>) {
    let good = payment("pm_card_visa");
    let answer = under.port().charge(&good).await.expect("an answer");
    assert_eq!(under.port().find_charge(&good).await, Ok(Some(answer)));
    let bad = payment("pm_card_visa_chargeDeclined");
    let answer = under.port().charge(&bad).await.expect("an answer");
    assert_eq!(under.port().find_charge(&bad).await, Ok(Some(answer)));
}

pub async fn attempt_without_a_charge_request_is_not_found(under: &Fixture<impl Gateway>) {
    assert_eq!(under.port().find_charge(&payment("pm_card_visa")).await, Ok(None));
    let again = tried_again(under.port()).await;
    assert_eq!(under.port().find_charge(&again).await, Ok(None), "the attempt before it was");
    let answer = under.port().charge(&again).await.expect("an answer");
    assert_eq!(under.port().find_charge(&again).await, Ok(Some(answer)));
}

pub async fn finding_an_attempt_charges_nothing(under: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa");
    for _ in 0..2 {
        assert_eq!(under.port().find_charge(&payment).await, Ok(None));
    }
    let mine = |movement: &GatewayTransaction| movement.payment_id == Some(payment.id);
    assert_eq!(movements(under.port(), mine).await, []);
}

pub async fn partial_refund_may_be_followed_by_the_remainder(under: &Fixture<impl Gateway>) {
    let (payment, _) = charged(under.port()).await;
    let part = refund(under.port(), &payment, 1000).await;
    let rest = refund(under.port(), &payment, 2998).await;
    assert!(is_refunded(&part) && is_refunded(&rest) && part != rest, "{part:?} {rest:?}");
}

pub async fn repeated_refund_requests_refund_once(under: &Fixture<impl Gateway>) {
    let (payment, _) = charged(under.port()).await;
    // Twice would be more than was charged.
    let (payment, once) = asked_back(&payment, 3000);
    let first = under.port().refund(&payment, &once).await.expect("an answer");
    assert!(is_refunded(&first), "{first:?}");
    for _ in 0..3 {
        assert_eq!(under.port().refund(&payment, &once).await, Ok(first.clone()));
    }
    assert!(is_refunded(&refund(under.port(), &payment, 998).await), "no more than that went back");
}

pub async fn concurrent_refund_requests_refund_once(under: &Fixture<impl Gateway>) {
    let (payment, _) = charged(under.port()).await;
    let (payment, once) = asked_back(&payment, 1000);
    let answers = join_all(under.concurrent(8).map(|gateway| gateway.refund(&payment, &once))).await;
    let known = under.port().refund(&payment, &once).await.expect("an answer");
    for answer in answers {
        match answer {
            Ok(answer) => assert_eq!(answer, known),
            // The key is in use at this moment: the same question is welcome later.
            Err(failure) => assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}"),
        }
    }
    assert!(is_refunded(&refund(under.port(), &payment, 2998).await), "no more than that went back");
}

pub async fn refunds_never_exceed_the_charge(under: &Fixture<impl Gateway>) {
    let (payment, _) = charged(under.port()).await;
    assert!(is_refused(&refund(under.port(), &payment, 3999).await));
    assert!(is_refunded(&refund(under.port(), &payment, 1000).await));
    assert!(is_refused(&refund(under.port(), &payment, 2999).await));
    assert!(is_refunded(&refund(under.port(), &payment, 2998).await));
    assert!(is_refused(&refund(under.port(), &payment, 1).await));
}

pub async fn repeated_refund_request_returns_the_same_rejection(under: &Fixture<impl Gateway>) {
    let (payment, _) = charged(under.port()).await;
    let (payment, much) = asked_back(&payment, 3999);
    let first = under.port().refund(&payment, &much).await.expect("an answer");
    assert!(is_refused(&first));
    assert_eq!(under.port().refund(&payment, &much).await, Ok(first));
}

pub async fn refund_result_is_found_by_its_refund_id(under: &Fixture<impl Gateway>) {
    let (payment, _) = charged(under.port()).await;
    let (payment, part) = asked_back(&payment, 1000);
    let (payment, rest) = asked_back(&payment, 2998);
    assert_eq!(under.port().find_refund(&payment, &part).await, Ok(None), "to look gives nothing back");
    let answer = under.port().refund(&payment, &part).await.expect("an answer");
    assert_eq!(under.port().find_refund(&payment, &part).await, Ok(Some(answer)));
    assert_eq!(under.port().find_refund(&payment, &rest).await, Ok(None), "the other one was not asked for");
    let much = asked_back(&payment, 3999).1;
    assert!(is_refused(&under.port().refund(&payment, &much).await.expect("an answer")));
    assert_eq!(under.port().find_refund(&payment, &much).await, Ok(None), "what was refused was never made");
}

pub async fn balance_movements_carry_the_ids_of_their_charges_and_refunds(under: &Fixture<impl Gateway>) {
    let (payment, charge) = charged(under.port()).await;
    let answer = refund(under.port(), &payment, 1000).await;
    let RefundOutcome::Refunded(back) = answer else { panic!("{answer:?}") };
    let mine = |movement: &GatewayTransaction| movement.reference == charge || movement.reference == back;
    let mut found = movements(under.port(), mine).await;
    found.sort_by_key(|movement| movement.purpose);
    let [charged, refunded] = &found[..] else { panic!("{found:?}") };
    assert_eq!((charged.purpose, &charged.reference, charged.amount), (Purpose::Charge, &charge, usd(3998)));
    assert_eq!((refunded.purpose, &refunded.reference, refunded.amount), (Purpose::Refund, &back, usd(1000)));
    assert_eq!((charged.fee.currency, refunded.fee.currency), (usd(1).currency, usd(1).currency));
    assert!((1..3998).contains(&charged.fee.amount.get()), "{:?}", charged.fee);
    for movement in &found {
        assert!(movement.payment_id.is_none_or(|id| id == payment.id), "{movement:?}");
    }
    let earlier = under.port().movements(later(-7_200), later(-3_600)).await.expect("an answer");
    assert!(!earlier.transactions.iter().any(mine));
}

pub async fn declined_charge_creates_no_balance_movement(under: &Fixture<impl Gateway>) {
    let declined = payment("pm_card_visa_chargeDeclined");
    under.port().charge(&declined).await.expect("an answer");
    assert_eq!(movements(under.port(), |movement| movement.payment_id == Some(declined.id)).await, []);
}
