//! Posting of the gateway's transactions after a restore.

use super::*;
use crate::{
    ledger::GatewayTransaction,
    payment::{RestoredPeriod, UnpostedReason, unposted_reason},
};

fn transaction(purpose: Purpose, payment_id: Option<PaymentId>) -> GatewayTransaction {
    let (amount, fee) = (usd(1000), usd(59));
    GatewayTransaction { purpose, reference: "pi_1".to_owned(), payment_id, amount, fee, at: at(20) }
}

#[test]
fn standing_after_a_restore_depends_on_the_payment_and_the_purpose() {
    let (charge, refund) = (transaction(Purpose::Charge, Some(ID)), transaction(Purpose::Refund, Some(ID)));
    for (transaction, payment, expected) in [
        (&charge, None, UnpostedReason::PaymentLost),
        (&refund, None, UnpostedReason::PaymentLost),
        (&transaction(Purpose::Charge, None), None, UnpostedReason::Foreign),
        (&charge, Some(begun()), UnpostedReason::Unresolved),
        (&charge, Some(failed()), UnpostedReason::OtherCharge),
        (&charge, Some(paid()), UnpostedReason::OtherCharge),
        (&refund, Some(paid()), UnpostedReason::RefundUnrecorded),
    ] {
        assert_eq!(unposted_reason(transaction, payment.as_ref()), expected, "{transaction:?}, {payment:?}");
    }
}

#[test]
fn period_after_a_restore_begins_before_the_restored_moment() {
    let period = RestoredPeriod::since(at(100_000), at(200_000)).expect("valid");
    assert_eq!((period.from, period.until), (at(96_400), at(203_600)));
}
