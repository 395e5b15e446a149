//! Answers of the gateway that do not match what was asked, and orders that cost nothing.

use super::*;
use crate::event::PaymentMismatched;

fn answer(minor: i64, currency: &str) -> ReportedTransaction {
    ReportedTransaction::new("ch_1", StatedAmount::new(minor, currency))
}

fn unstated() -> ReportedTransaction {
    ReportedTransaction { transaction_id: "ch_1".to_owned(), amount: None }
}

fn record(payment: &Payment, answer: ReportedTransaction) -> Option<PaymentTransition> {
    let outcome = ChargeOutcome::Charged(answer);
    record_charge_outcome(payment, payment.attempts, &outcome, refund_id(90), at(10)).expect("valid")
}

#[test]
fn only_the_asked_amount_in_the_asked_currency_is_accepted() {
    let accepted = accept(usd(1000), &answer(1000, "usd")).expect("accepted");
    assert_eq!((accepted.transaction_id(), accepted.amount()), ("ch_1", usd(1000)));
    for (minor, currency) in [(999, "usd"), (1001, "usd"), (1000, "eur"), (1000, "huf"), (1000, ""), (-1000, "usd")] {
        assert_eq!(accept(usd(1000), &answer(minor, currency)), None, "{minor} {currency}");
    }
    assert_eq!(accept(usd(1000), &unstated()), None);
}

#[test]
fn stated_amount_is_kept_as_stated_with_a_bounded_currency() {
    let stated = StatedAmount::new(i64::MIN, "a currency that nobody knows");
    assert_eq!((stated.amount, stated.currency.as_str()), (i64::MIN, "A CURREN"));
    assert_eq!(stated.to_money(), None);
    assert_eq!(StatedAmount::from(usd(5)), StatedAmount::new(5, "usd"));
}

#[test]
fn mismatched_charge_is_recorded_with_both_amounts_and_confirms_nothing() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    for payment in [begun(), failed(), closed(&begun()), again] {
        let change = record(&payment, answer(1, "jpy")).expect("a change");
        let (asked, answered) = (usd(1000), Some(StatedAmount::new(1, "JPY")));
        let event = PaymentMismatched {
            payment_id: ID,
            order_id: ORDER,
            movement: GatewayOperation::Charge,
            transaction_id: "ch_1".to_owned(),
            refund_id: None,
            asked,
            answered: answered.clone(),
        };
        assert!(change.is_mismatch());
        assert_eq!((change.transfers, change.events), (vec![], vec![event.into()]));
        let [recorded] = &change.payment.mismatches[..] else { panic!("{:?}", change.payment.mismatches) };
        assert_eq!((recorded.asked, &recorded.answered, recorded.at), (asked, &answered, at(10)));
        let unchanged = Payment {
            mismatches: vec![],
            version: payment.version,
            updated_at: payment.updated_at,
            ..change.payment.clone()
        };
        assert_eq!((unchanged, change.payment.version), (payment.clone(), payment.version + 1));
        assert_eq!(record(&change.payment, answer(1, "jpy")), None, "a repeated answer is recorded once");
        assert!(record(&change.payment, answer(2, "jpy")).is_some() && record(&change.payment, unstated()).is_some());
    }
}

#[test]
fn right_answer_after_a_mismatch_is_accepted() {
    let mismatched = record(&begun(), answer(1, "jpy")).expect("a change").payment;
    let change = record(&mismatched, answer(1000, "usd")).expect("a change");
    assert_eq!((change.payment.status, change.transfers.len()), (Status::Succeeded, 1));
    assert_eq!(change.payment.mismatches.len(), 1, "the mismatch stays for review");
}

#[test]
fn answer_about_a_charged_payment_is_compared_too() {
    assert!(record(&paid(), answer(1, "jpy")).expect("a change").is_mismatch());
    assert_eq!(record(&paid(), answer(1000, "usd")), None, "a repeated answer");
}

#[test]
fn mismatched_attempt_ends_with_its_own_code_once_its_order_is_cancelled() {
    let mismatched = closed(&record(&begun(), answer(1, "jpy")).expect("a change").payment);
    assert_eq!(abandon_charge(&mismatched, at(619)), None);
    let change = abandon_charge(&mismatched, at(620)).expect("a change");
    assert_eq!(
        (change.payment.status, change.payment.decline_code.as_deref()),
        (Status::Failed, Some("amount_mismatch"))
    );
}

#[test]
fn mismatched_refund_is_recorded_and_stays_pending_until_it_is_given_up() {
    let requested = request_refund(&paid(), refund_id(1), Some(usd(400)), RefundReason::Duplicate, at(50));
    let payment = requested.expect("valid").payment;
    let refund = |payment: &Payment, minor| {
        let outcome = RefundOutcome::Refunded(ReportedTransaction::new("re_1", usd(minor)));
        record_refund_outcome(payment, refund_id(1), &outcome, at(60)).expect("valid")
    };
    let change = refund(&payment, 4000).expect("a change");
    assert!(change.is_mismatch() && change.transfers.is_empty());
    let mismatch = &change.payment.mismatches[0];
    assert_eq!(
        (mismatch.movement, mismatch.refund_id, mismatch.asked),
        (GatewayOperation::Refund, Some(refund_id(1)), usd(400))
    );
    assert_eq!((change.payment.refunds[0].status, change.payment.refunded()), (RefundStatus::Pending, 0));
    assert_eq!(refund(&change.payment, 4000), None);
    let late = at(50 + RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS + 1);
    let outcome = abandon_refund(&change.payment, &change.payment.refunds[0], late);
    assert_eq!(outcome, Some(RefundOutcome::Failed("amount_mismatch".to_owned())));
    assert!(!refund(&change.payment, 400).expect("a change").is_mismatch(), "the right answer counts");
}

#[test]
fn order_that_costs_nothing_is_paid_without_a_charge() {
    let free = Payment { amount: usd(0), ..begun() };
    let change = confirm_without_charge(&free, at(10)).expect("a change");
    assert_eq!((change.payment.status, change.payment.transaction_id), (Status::NoPaymentRequired, None));
    let transaction_id = "no_payment_required".to_owned();
    let succeeded =
        PaymentSucceeded { payment_id: ID, order_id: ORDER, user_id: Some(USER), amount: usd(0), transaction_id };
    assert_eq!((change.transfers, change.events), (vec![], vec![succeeded.into()]));
    assert_eq!(confirm_without_charge(&begun(), at(10)), None, "it costs something");
    for state in [Status::Failed, Status::NoPaymentRequired] {
        assert_eq!(confirm_without_charge(&Payment { status: state, ..free.clone() }, at(10)), None, "{state:?}");
    }
}

#[test]
fn payment_without_a_charge_is_closed_without_a_refund_and_not_paid_again() {
    let free = in_state(Status::NoPaymentRequired);
    assert_eq!((free.refundable(), free.reconcile_after()), (0, None));
    let closed = close(&free, refund_id(1), at(20)).expect("a change");
    assert_eq!((closed.events, closed.payment.status), (vec![], Status::NoPaymentRequired));
    assert_eq!(retry_payment(&free, method("pm_2"), at(20)).expect_err("rejected").code, "already-paid");
    let refund = request_refund(&free, refund_id(1), None, RefundReason::Duplicate, at(20));
    assert_eq!(refund.expect_err("rejected").code, "not-refundable");
}
