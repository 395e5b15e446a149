//! Disputes of charges, reported by signed webhooks.

use super::money::{event, intent, paid, pending, refund, send, state, with};
use crate::functions::ORDER;
use domain::{
    ledger::LedgerAccount,
    payment::{Dispute, DisputeStatus},
};
use ports::Gateway as _;
use serde_json::{Value, json};
use testkit::{Platform, build};

/// Unix time of the deadline for evidence.
const DUE_BY: i64 = 1_764_316_799;

fn movement(id: &str, minor: i64, fee: i64) -> Value {
    json!({
        "id": id, "object": "balance_transaction", "amount": minor, "currency": "usd", "fee": fee, "net": minor - fee,
        "reporting_category": if minor < 0 { "dispute" } else { "dispute_reversal" }, "source": "dp_1",
        "type": "adjustment",
    })
}

/// A dispute of the samples' charge, in the shape of Stripe's published object.
fn dispute(status: &str, movements: &[Value]) -> Value {
    json!({
        "id": "dp_1", "object": "dispute", "amount": 3998, "balance_transactions": movements, "charge": "ch_1",
        "currency": "usd", "evidence": {}, "is_charge_refundable": false, "livemode": false, "metadata": {},
        "evidence_details": { "due_by": DUE_BY, "has_evidence": false, "past_due": false, "submission_count": 0 },
        "payment_intent": "pi_000001", "reason": "product_not_received", "status": status,
    })
}

fn shown(platform: &Platform) -> Dispute {
    let payment = platform.payments().for_order(ORDER).expect("a payment");
    let [dispute] = &payment.disputes[..] else { panic!("{:?}", payment.disputes) };
    dispute.clone()
}

/// The balances at the gateway, of disputes and of fees.
fn balances(platform: &Platform) -> [i64; 3] {
    let balances = platform.ledger().balances();
    assert_eq!(balances.values().sum::<i64>(), 0);
    [LedgerAccount::Gateway, LedgerAccount::Disputes, LedgerAccount::Fees]
        .map(|account| balances.get(&(account, "USD")).copied().unwrap_or_default())
}

#[tokio::test]
async fn dispute_is_shown_and_its_withdrawal_and_fee_are_posted_once() {
    let platform = paid().await;
    let withdrawn = [movement("txn_1", -3998, 1500)];
    for kind in ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated"] {
        let told = event("evt_1", kind, dispute("needs_response", &withdrawn));
        assert_eq!((send(&platform, &told).await, balances(&platform)), (204, [-5498, 3998, 1500]), "{kind}");
    }
    let dispute = shown(&platform);
    assert_eq!((dispute.status, dispute.amount), (DisputeStatus::NeedsResponse, build::usd(3998)));
    assert_eq!(dispute.evidence_due_by.map(|due| due.as_second()), Some(DUE_BY), "staff sees the deadline");
    assert_eq!(state(&platform).1, ["PaymentDisputed.v1"]);
}

#[tokio::test]
async fn won_dispute_returns_amount_and_fee_and_a_lost_one_nothing() {
    let withdrawn = movement("txn_1", -3998, 1500);
    let returned = [withdrawn.clone(), movement("txn_2", 3998, -1500)];
    for (status, movements, expected) in
        [("won", &returned[..], [0, 0, 0]), ("won", &[], [0, 0, 0]), ("lost", &returned[..1], [-5498, 3998, 1500])]
    {
        let platform = paid().await;
        let opened =
            event("evt_1", "charge.dispute.created", dispute("needs_response", std::slice::from_ref(&withdrawn)));
        let closed = event("evt_2", "charge.dispute.closed", dispute(status, movements));
        for told in [&opened, &closed, &closed, &opened] {
            assert_eq!(send(&platform, told).await, 204);
        }
        assert_eq!(balances(&platform), expected, "{status}");
        assert_eq!(shown(&platform).status, DisputeStatus::parse(status).expect("a status"));
        assert_eq!(state(&platform).1, ["PaymentDisputed.v1", "DisputeClosed.v1"]);
    }
}

#[tokio::test]
async fn dispute_of_a_charge_of_another_system_is_acknowledged() {
    let platform = paid().await;
    let mut foreign = dispute("needs_response", &[]);
    foreign["payment_intent"] = "pi_of_another_system".into();
    let told = event("evt_1", "charge.dispute.created", foreign);
    assert_eq!((send(&platform, &told).await, state(&platform).1.len()), (204, 0));
}

/// The gateway has charged, and neither its response nor its webhook has arrived.
#[tokio::test]
async fn dispute_and_refund_that_come_before_their_charge_are_sent_again() {
    let early_dispute =
        event("evt_1", "charge.dispute.created", dispute("needs_response", &[movement("txn_1", -3998, 1500)]));
    let early_refund = event("evt_1", "refund.created", refund("re_1", 1000, "succeeded"));
    for (early, told) in [(early_dispute, "PaymentDisputed.v1"), (early_refund, "PaymentRefunded.v1")] {
        let platform = with(&pending());
        platform.gateway().charge(&pending()).await.expect("charged");
        assert_eq!((send(&platform, &early).await, state(&platform).1.len()), (503, 0));
        let mut charged = intent(3998, "usd");
        charged["id"] = "pi_000001".into();
        assert_eq!(send(&platform, &event("evt_2", "payment_intent.succeeded", charged)).await, 204);
        assert_eq!((send(&platform, &early).await, state(&platform).1), (204, vec!["PaymentSucceeded.v1", told]));
    }
}
