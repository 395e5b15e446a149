//! Cards that want the customer's consent.

use super::*;
use crate::event::PaymentActionRequired;

fn waiting() -> Payment {
    in_state(Status::RequiresAction)
}

#[test]
fn required_action_is_stored_for_the_owner_and_published_without_the_secret() {
    let change = concluded(&begun(), &waits());
    let event = PaymentActionRequired { payment_id: ID, order_id: ORDER, amount: usd(1000), attempt: 1 };
    assert_eq!((change.events, change.transfers), (vec![event.into()], vec![]));
    let payment = change.payment;
    assert_eq!(
        (payment.status, payment.transaction_id.as_ref(), payment.refundable()),
        (Status::RequiresAction, None, 0)
    );
    assert_eq!(payment.action.as_ref().map(|action| action.client_secret.as_str()), Some("ch_1_secret"));
    let again = record_charge_outcome(&payment, 1, &waits(), refund_id(90), at(11));
    assert_eq!(again, Ok(None), "reported again");
}

#[test]
fn consent_charges_and_refusal_declines_the_attempt() {
    let charge = concluded(&waiting(), &charged("ch_1"));
    assert_eq!((charge.payment.status, charge.payment.action, charge.transfers.len()), (Status::Succeeded, None, 1));
    let refusal = ChargeOutcome::Declined("payment_intent_authentication_failure".to_owned());
    let refused = concluded(&waiting(), &refusal).payment;
    assert_eq!((refused.status, &refused.action), (Status::Failed, &None));
    assert_eq!(retry_payment(&refused, method("pm_2"), at(20)).expect("valid").payment.attempts, 2);
}

#[test]
fn waiting_attempt_is_not_requested_again_and_its_result_is_looked_up() {
    assert_eq!(is_due(&waiting(), 1, at(30)), Ok(false));
    assert_eq!(republish_pending(&waiting(), at(700)), None);
    assert_eq!(waiting().reconcile_after(), Some(at(600)));
    let early = retry_payment(&waiting(), method("pm_2"), at(20)).expect_err("rejected");
    assert_eq!(early.code, "payment-in-progress");
}

#[test]
fn waiting_attempt_of_a_cancelled_order_is_abandoned_and_a_late_charge_refunded() {
    let cancelled = closed(&waiting());
    assert_eq!((cancelled.status, abandon_charge(&cancelled, at(619))), (Status::RequiresAction, None));
    let late = concluded(&cancelled, &charged("ch_1"));
    assert_eq!(late.payment.refunds.len(), 1, "the customer consented after the cancellation");
    let abandoned = abandon_charge(&cancelled, at(620)).expect("a change").payment;
    assert_eq!((abandoned.status, &abandoned.action), (Status::Failed, &None));
    assert_eq!(concluded(&abandoned, &charged("ch_1")).payment.refunds.len(), 1);
}

#[test]
fn consent_to_another_amount_is_a_mismatch() {
    let ChargeOutcome::ActionRequired(_, action) = waits() else { panic!("it waits") };
    let outcome = ChargeOutcome::ActionRequired(ReportedTransaction::new("ch_1", usd(1)), action);
    let change = concluded(&begun(), &outcome);
    assert!(change.is_mismatch() && change.payment.status == Status::Pending);
}

#[test]
fn earlier_attempt_that_waits_is_outdated() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    assert_eq!(record_charge_outcome(&again, 1, &waits(), refund_id(90), at(30)), Ok(None));
}
