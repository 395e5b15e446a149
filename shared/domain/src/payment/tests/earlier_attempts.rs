//! Results of attempts other than the last one, and charges in addition to the payment's own.

use super::*;

#[test]
fn second_charge_of_a_payment_is_a_duplicate_charge() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    let paid_again = concluded(&again, &charged("ch_2")).payment;
    for (payment, attempt, name) in [
        (&paid(), 1, "ch_other"),
        (&paid(), 2, "ch_other"),
        (&paid_again, 1, "ch_1"),
        (&in_state(Status::Refunded), 2, "ch_other"),
    ] {
        let duplicate =
            record_charge_outcome(payment, attempt, &charged(name), refund_id(90), at(30)).expect_err("a conflict");
        assert_eq!((duplicate.kind, duplicate.code), (FailureKind::Conflict, "duplicate-charge"), "{attempt} {name}");
    }
    assert_eq!(record_charge_outcome(&paid_again, 1, &charged("ch_2"), refund_id(90), at(30)), Ok(None));
}

#[test]
fn charge_of_an_earlier_attempt_counts_if_the_last_one_has_failed() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    let failed_again = concluded(&again, &declined()).payment;
    for (payment, refunds) in [(failed_again.clone(), 0), (closed(&failed_again), 1), (closed_from_the_start(), 1)] {
        let change = changed(record_charge_outcome(&payment, 1, &charged("ch_1"), refund_id(90), at(30)));
        let Payment { status, transaction_id, decline_code, .. } = &change.payment;
        assert_eq!((*status, transaction_id.as_deref(), decline_code), (Status::Succeeded, Some("ch_1"), &None));
        assert_eq!(
            (change.transfers.len(), change.payment.refunds.len()),
            (1, refunds),
            "a cancelled order is refunded"
        );
        assert!(matches!(change.events[0], DomainEvent::PaymentSucceeded(_)), "{:?}", change.events);
    }
}

#[test]
fn charge_of_an_earlier_attempt_waits_for_the_result_of_the_last_one() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    let asked = changed(record_charge_outcome(&again, 2, &waits(), refund_id(90), at(21))).payment;
    for payment in [&again, &asked, &closed(&again)] {
        let early = record_charge_outcome(payment, 1, &charged("ch_1"), refund_id(90), at(30)).expect_err("too early");
        assert_eq!(early.kind, FailureKind::Unavailable, "the gateway reports it again: {payment:?}");
    }
}

#[test]
fn returned_duplicate_is_posted_and_changes_nothing_else() {
    let transfer = |purpose, reference: &str| Transfer {
        purpose,
        reference: reference.to_owned(),
        payment_id: Some(ID),
        refund_id: None,
        amount: usd(1000),
        at: at(30),
    };
    let transfers = [transfer(Purpose::Charge, "ch_2"), transfer(Purpose::Refund, "re_2")];
    let change = post_returned_duplicate(&paid(), &transfers, at(30));
    assert_eq!((change.transfers, change.events), (transfers.to_vec(), vec![]));
    assert_eq!(change.payment, Payment { version: 3, updated_at: at(30), ..paid() });
}

#[test]
fn decline_of_an_earlier_attempt_is_ignored() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    assert_eq!(record_charge_outcome(&again, 1, &declined(), refund_id(90), at(30)), Ok(None));
}
