//! Contract of [`Gateway`].

use super::{Fixture, fresh, later, now};
use crate::build::{self, usd};
use domain::{
    id::{OrderId, RefundId},
    ledger::{GatewayTransaction, Purpose},
    payment::{
        self, ChargeOutcome, Payment, Refund, RefundOutcome, RefundReason, RefundStatus, ReportedRefund,
        ReportedTransaction,
    },
    text::PaymentMethod,
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind};
use ports::{GATEWAY_REPLAYED_ERROR, Gateway};

/// Generates one test per rule of [`Gateway`]. The expression is a future of a `Fixture<impl Gateway>`.
#[macro_export]
macro_rules! contract_gateway {
    ($fixture:expr) => {
        $crate::each_rule! { gateway, $fixture;
            valid_card_is_charged
            declined_card_is_a_final_result
            repeated_charge_requests_charge_once
            repeated_charge_request_returns_the_same_decline
            concurrent_charge_requests_charge_once
            two_payments_make_two_charges
            second_attempt_is_a_separate_charge_request
            earlier_attempt_that_waits_for_the_customer_is_cancelled
            result_of_the_last_attempt_is_found
            attempt_without_a_charge_request_is_not_found
            finding_an_attempt_charges_nothing
            attempt_that_was_never_received_is_withdrawn_for_good
            attempt_that_was_received_is_not_withdrawn
            partial_refund_may_be_followed_by_the_remainder
            repeated_refund_requests_refund_once
            concurrent_refund_requests_refund_once
            refunds_never_exceed_the_charge
            repeated_refund_request_returns_the_same_rejection
            refund_result_is_found_by_its_refund_id
            refunds_of_a_charge_are_listed
            charge_names_its_payment
            charge_without_a_payment_is_refunded_once
            balance_transactions_carry_the_ids_of_their_charges_and_refunds
            declined_charge_creates_no_balance_movement
        }
    };
}

fn payment(method: &str) -> Payment {
    build::order().id(OrderId(fresh())).method(method).at(now()).payment()
}

/// A charged payment of 39.98 USD, with the gateway's id of the charge.
async fn charged(gateway: &impl Gateway) -> (Payment, String) {
    let payment = payment("pm_card_visa");
    let response = gateway.charge(&payment).await.expect("a response");
    let ChargeOutcome::Charged(answer) = &response else { panic!("{response:?}") };
    (build::concluded(&payment, &response).payment, answer.transaction_id.clone())
}

/// The payment with a new pending refund, and that refund.
fn with_refund(payment: &Payment, cents: i64) -> (Payment, Refund) {
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
    let (payment, refund) = with_refund(payment, cents);
    gateway.refund(&payment, &refund).await.expect("a response")
}

fn is_refunded(response: &RefundOutcome) -> bool {
    matches!(response, RefundOutcome::Refunded(answer) if !answer.transaction_id.is_empty())
}

fn is_rejected(response: &RefundOutcome) -> bool {
    matches!(response, RefundOutcome::Failed(code) if !code.is_empty())
}

/// The balance transactions within an hour from now that match `wanted`.
async fn transactions(gateway: &impl Gateway, wanted: impl Fn(&GatewayTransaction) -> bool) -> Vec<GatewayTransaction> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page =
            gateway.balance_transactions(later(-3_600), later(3_600), after.as_deref()).await.expect("a response");
        found.extend(page.transactions.into_iter().filter(&wanted));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

pub async fn valid_card_is_charged(fixture: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa");
    let response = fixture.port().charge(&payment).await;
    let Ok(ChargeOutcome::Charged(answer)) = &response else { panic!("{response:?}") };
    assert!(!answer.transaction_id.is_empty());
    assert_eq!(payment::accept(payment.amount, answer).map(|charge| charge.amount()), Some(payment.amount));
}

pub async fn declined_card_is_a_final_result(fixture: &Fixture<impl Gateway>) {
    for method in ["pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail"] {
        let response = fixture.port().charge(&payment(method)).await;
        assert!(matches!(&response, Ok(ChargeOutcome::Declined(code)) if !code.is_empty()), "{method}: {response:?}");
    }
}

pub async fn repeated_charge_requests_charge_once(fixture: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa");
    let first = fixture.port().charge(&payment).await.expect("a response");
    for _ in 0..3 {
        assert_eq!(fixture.port().charge(&payment).await, Ok(first.clone()));
    }
}

pub async fn repeated_charge_request_returns_the_same_decline(fixture: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa_chargeDeclined");
    let first = fixture.port().charge(&payment).await.expect("a response");
    assert_eq!(fixture.port().charge(&payment).await, Ok(first));
}

pub async fn concurrent_charge_requests_charge_once(fixture: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa");
    let responses = join_all(fixture.concurrent(8).map(|gateway| gateway.charge(&payment))).await;
    let known = fixture.port().charge(&payment).await.expect("a response");
    for response in responses {
        match response {
            Ok(response) => assert_eq!(response, known),
            // A concurrent request holds the key: this one can be retried.
            Err(failure) => assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}"),
        }
    }
}

pub async fn two_payments_make_two_charges(fixture: &Fixture<impl Gateway>) {
    let first = fixture.port().charge(&payment("pm_card_visa")).await.expect("a response");
    let second = fixture.port().charge(&payment("pm_card_visa")).await.expect("a response");
    assert_ne!(first, second);
}

/// A payment that is retried with a valid card after a declined one.
async fn retried(gateway: &impl Gateway) -> Payment {
    let first = payment("pm_card_visa_chargeDeclined");
    let response = gateway.charge(&first).await.expect("a response");
    let failed = build::concluded(&first, &response).payment;
    let card = PaymentMethod::parse("pm_card_visa").expect("a token");
    payment::retry_payment(&failed, card, now()).expect("a transition").payment
}

pub async fn second_attempt_is_a_separate_charge_request(fixture: &Fixture<impl Gateway>) {
    let again = retried(fixture.port()).await;
    let response = fixture.port().charge(&again).await;
    assert!(matches!(&response, Ok(ChargeOutcome::Charged(_))), "{response:?}");
    assert_eq!(fixture.port().charge(&again).await, response);
}

pub async fn earlier_attempt_that_waits_for_the_customer_is_cancelled(fixture: &Fixture<impl Gateway>) {
    let first = payment("pm_card_authenticationRequired");
    let response = fixture.port().charge(&first).await.expect("a response");
    assert!(matches!(response, ChargeOutcome::ActionRequired(..)), "{response:?}");
    fixture.port().cancel_earlier_attempts(&first).await.expect("nothing to cancel");
    assert_eq!(look_up(fixture, &first).await, Ok(Some(response)), "the last attempt stays open");
    let refused = ChargeOutcome::Declined("payment_intent_authentication_failure".to_owned());
    let card = PaymentMethod::parse("pm_card_visa").expect("a token");
    let again = payment::retry_payment(&build::concluded(&first, &refused).payment, card, now());
    let again = again.expect("a transition").payment;
    for _ in 0..2 {
        fixture.port().cancel_earlier_attempts(&again).await.expect("cancelled");
        let cancelled = ChargeOutcome::Declined("canceled".to_owned());
        assert_eq!(look_up(fixture, &first).await, Ok(Some(cancelled)));
    }
    let charged = fixture.port().charge(&again).await;
    assert!(matches!(charged, Ok(ChargeOutcome::Charged(_))), "{charged:?}");
    fixture.port().cancel_earlier_attempts(&again).await.expect("nothing to cancel");
    assert_eq!(look_up(fixture, &again).await, charged.map(Some));
}

/// What both lookups find, which is the same while the search does not lag.
async fn look_up(fixture: &Fixture<impl Gateway>, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
    let (searched, found) = (fixture.port().search_charge(payment).await, fixture.port().find_charge(payment).await);
    assert_eq!(searched, found);
    found
}

pub async fn result_of_the_last_attempt_is_found(fixture: &Fixture<impl Gateway>) {
    let good = payment("pm_card_visa");
    let response = fixture.port().charge(&good).await.expect("a response");
    assert_eq!(look_up(fixture, &good).await, Ok(Some(response)));
    let bad = payment("pm_card_visa_chargeDeclined");
    let response = fixture.port().charge(&bad).await.expect("a response");
    assert_eq!(look_up(fixture, &bad).await, Ok(Some(response)));
}

pub async fn attempt_without_a_charge_request_is_not_found(fixture: &Fixture<impl Gateway>) {
    assert_eq!(look_up(fixture, &payment("pm_card_visa")).await, Ok(None));
    let again = retried(fixture.port()).await;
    assert_eq!(look_up(fixture, &again).await, Ok(None), "only the previous attempt was requested");
    let response = fixture.port().charge(&again).await.expect("a response");
    assert_eq!(look_up(fixture, &again).await, Ok(Some(response)));
}

pub async fn finding_an_attempt_charges_nothing(fixture: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa");
    for _ in 0..2 {
        assert_eq!(look_up(fixture, &payment).await, Ok(None));
    }
    let mine = |movement: &GatewayTransaction| movement.payment_id == Some(payment.id);
    assert_eq!(transactions(fixture.port(), mine).await, []);
}

pub async fn attempt_that_was_never_received_is_withdrawn_for_good(fixture: &Fixture<impl Gateway>) {
    let payment = payment("pm_card_visa");
    for gateway in fixture.concurrent(2) {
        assert_eq!(gateway.withdraw_charge(&payment).await, Ok(true));
    }
    let late = fixture.port().charge(&payment).await.expect_err("its key is taken");
    assert_eq!(late.code, GATEWAY_REPLAYED_ERROR, "{late}");
    assert_eq!(look_up(fixture, &payment).await, Ok(None));
    let again = retried(fixture.port()).await;
    assert_eq!(fixture.port().withdraw_charge(&again).await, Ok(true), "only the previous attempt was received");
}

pub async fn attempt_that_was_received_is_not_withdrawn(fixture: &Fixture<impl Gateway>) {
    for method in ["pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_authenticationRequired"] {
        let payment = payment(method);
        let response = fixture.port().charge(&payment).await.expect("a response");
        assert_eq!(fixture.port().withdraw_charge(&payment).await, Ok(false), "{method}");
        assert_eq!(fixture.port().charge(&payment).await, Ok(response.clone()), "{method}");
        assert_eq!(look_up(fixture, &payment).await, Ok(Some(response)), "{method}");
    }
}

pub async fn partial_refund_may_be_followed_by_the_remainder(fixture: &Fixture<impl Gateway>) {
    let (payment, _) = charged(fixture.port()).await;
    let partial = refund(fixture.port(), &payment, 1000).await;
    let remainder = refund(fixture.port(), &payment, 2998).await;
    assert!(is_refunded(&partial) && is_refunded(&remainder) && partial != remainder, "{partial:?} {remainder:?}");
}

pub async fn repeated_refund_requests_refund_once(fixture: &Fixture<impl Gateway>) {
    let (payment, _) = charged(fixture.port()).await;
    // Two of them would exceed the charge.
    let (payment, refund_request) = with_refund(&payment, 3000);
    let first = fixture.port().refund(&payment, &refund_request).await.expect("a response");
    assert!(is_refunded(&first), "{first:?}");
    for _ in 0..3 {
        assert_eq!(fixture.port().refund(&payment, &refund_request).await, Ok(first.clone()));
    }
    assert!(is_refunded(&refund(fixture.port(), &payment, 998).await), "nothing else was refunded");
}

pub async fn concurrent_refund_requests_refund_once(fixture: &Fixture<impl Gateway>) {
    let (payment, _) = charged(fixture.port()).await;
    let (payment, refund_request) = with_refund(&payment, 1000);
    let responses = join_all(fixture.concurrent(8).map(|gateway| gateway.refund(&payment, &refund_request))).await;
    let known = fixture.port().refund(&payment, &refund_request).await.expect("a response");
    for response in responses {
        match response {
            Ok(response) => assert_eq!(response, known),
            // A concurrent request holds the key: this one can be retried.
            Err(failure) => assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}"),
        }
    }
    assert!(is_refunded(&refund(fixture.port(), &payment, 2998).await), "nothing else was refunded");
}

pub async fn refunds_never_exceed_the_charge(fixture: &Fixture<impl Gateway>) {
    let (payment, _) = charged(fixture.port()).await;
    assert!(is_rejected(&refund(fixture.port(), &payment, 3999).await));
    assert!(is_refunded(&refund(fixture.port(), &payment, 1000).await));
    assert!(is_rejected(&refund(fixture.port(), &payment, 2999).await));
    assert!(is_refunded(&refund(fixture.port(), &payment, 2998).await));
    assert!(is_rejected(&refund(fixture.port(), &payment, 1).await));
}

pub async fn repeated_refund_request_returns_the_same_rejection(fixture: &Fixture<impl Gateway>) {
    let (payment, _) = charged(fixture.port()).await;
    let (payment, excessive) = with_refund(&payment, 3999);
    let first = fixture.port().refund(&payment, &excessive).await.expect("a response");
    assert!(is_rejected(&first));
    assert_eq!(fixture.port().refund(&payment, &excessive).await, Ok(first));
}

pub async fn refund_result_is_found_by_its_refund_id(fixture: &Fixture<impl Gateway>) {
    let (payment, _) = charged(fixture.port()).await;
    let (payment, partial) = with_refund(&payment, 1000);
    let (payment, remainder) = with_refund(&payment, 2998);
    assert_eq!(fixture.port().find_refund(&payment, &partial).await, Ok(None), "finding refunds nothing");
    let response = fixture.port().refund(&payment, &partial).await.expect("a response");
    assert_eq!(fixture.port().find_refund(&payment, &partial).await, Ok(Some(response)));
    assert_eq!(fixture.port().find_refund(&payment, &remainder).await, Ok(None), "the other refund was not requested");
    let excessive = with_refund(&payment, 3999).1;
    assert!(is_rejected(&fixture.port().refund(&payment, &excessive).await.expect("a response")));
    assert_eq!(fixture.port().find_refund(&payment, &excessive).await, Ok(None), "a rejected refund does not exist");
}

pub async fn refunds_of_a_charge_are_listed(fixture: &Fixture<impl Gateway>) {
    let (payment, charge) = charged(fixture.port()).await;
    assert_eq!(fixture.port().refunds_of(&charge).await, Ok(vec![]));
    let (payment, partial) = with_refund(&payment, 1000);
    let response = fixture.port().refund(&payment, &partial).await.expect("a response");
    let RefundOutcome::Refunded(answer) = response else { panic!("{response:?}") };
    let (refund_id, failure) = (Some(partial.id), None);
    let ReportedTransaction { transaction_id, amount } = answer;
    let expected = ReportedRefund { charge: charge.clone(), transaction_id, refund_id, amount, failure };
    assert_eq!(fixture.port().refunds_of(&charge).await, Ok(vec![expected]));
}

pub async fn charge_names_its_payment(fixture: &Fixture<impl Gateway>) {
    let (payment, charge) = charged(fixture.port()).await;
    assert_eq!(fixture.port().payment_of(&charge).await, Ok(Some(payment.id)));
    assert_eq!(fixture.port().payment_of("pi_unknown").await, Ok(None));
}

pub async fn charge_without_a_payment_is_refunded_once(fixture: &Fixture<impl Gateway>) {
    let (_, charge) = charged(fixture.port()).await;
    let first = fixture.port().refund_unrecorded_charge(&charge, usd(3998)).await.expect("a response");
    assert!(is_refunded(&first), "{first:?}");
    assert_eq!(fixture.port().refund_unrecorded_charge(&charge, usd(3998)).await, Ok(first));
    let refunds = fixture.port().refunds_of(&charge).await.expect("a response");
    let [refund] = &refunds[..] else { panic!("{refunds:?}") };
    assert_eq!((refund.refund_id, &refund.failure), (None, &None));
}

pub async fn balance_transactions_carry_the_ids_of_their_charges_and_refunds(fixture: &Fixture<impl Gateway>) {
    let (payment, charge) = charged(fixture.port()).await;
    let response = refund(fixture.port(), &payment, 1000).await;
    let RefundOutcome::Refunded(answer) = response else { panic!("{response:?}") };
    assert!(payment::accept(usd(1000), &answer).is_some(), "{answer:?}");
    let refund_id = answer.transaction_id;
    let mine = |movement: &GatewayTransaction| movement.reference == charge || movement.reference == refund_id;
    let mut found = transactions(fixture.port(), mine).await;
    found.sort_by_key(|movement| movement.purpose);
    let [charged, refunded] = &found[..] else { panic!("{found:?}") };
    assert_eq!((charged.purpose, &charged.reference, charged.amount), (Purpose::Charge, &charge, usd(3998)));
    assert_eq!((refunded.purpose, &refunded.reference, refunded.amount), (Purpose::Refund, &refund_id, usd(1000)));
    assert_eq!((charged.fee.currency, refunded.fee.currency), (usd(1).currency, usd(1).currency));
    assert!((1..3998).contains(&charged.fee.amount.get()), "{:?}", charged.fee);
    for movement in &found {
        assert!(movement.payment_id.is_none_or(|id| id == payment.id), "{movement:?}");
    }
    let earlier = fixture.port().balance_transactions(later(-7_200), later(-3_600), None).await.expect("a response");
    assert!(!earlier.transactions.iter().any(mine));
}

pub async fn declined_charge_creates_no_balance_movement(fixture: &Fixture<impl Gateway>) {
    let declined = payment("pm_card_visa_chargeDeclined");
    fixture.port().charge(&declined).await.expect("a response");
    assert_eq!(transactions(fixture.port(), |transaction| transaction.payment_id == Some(declined.id)).await, []);
}
