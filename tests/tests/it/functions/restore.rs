//! What operators invoke after the database was set back to an earlier moment. The fakes of the database are those of a second platform, whose
//! gateway and documents stand later.

use super::{ORDER, PAYMENT, USER, assert_all_samples_run, clock, sample, sample_time};
use domain::{
    event::StockReserved,
    id::{OrderId, RefundId},
    invoice::{Calendar, Invoice},
    ledger::Purpose,
    payment::{self, ChargeOutcome, Payment},
    text::PaymentMethod,
};
use edge::Clock;
use kernel::{Failure, Uuid};
use ports::{Documents as _, Gateway as _, InvoiceStore as _, PaymentStore as _};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Platform, build};

fn pending() -> Payment {
    let reserved = StockReserved {
        order_id: ORDER,
        user_id: USER,
        amount: build::usd(3998),
        payment_method: PaymentMethod::parse("pm_card_visa").expect("a token"),
        lines: vec![],
        levels: vec![],
    };
    payment::begin(PAYMENT, &reserved, sample_time())
}

/// The payment of the samples, charged at the gateway of `platform` and stored nowhere.
async fn charged(platform: &Platform) -> Payment {
    let payment = pending();
    let outcome = platform.gateway().charge(&payment).await.expect("a response");
    let id = RefundId(Uuid::from_u128(1));
    let change = payment::record_charge_outcome(&payment, 1, &outcome, id, sample_time());
    change.expect("allowed").expect("a transition").payment
}

async fn restore_payments(platform: &Platform, case: &str) -> Value {
    let (name, event) = (catalog::PAYMENT_RESTORE.name, sample(catalog::PAYMENT_RESTORE, case));
    let clock = Clock::at(sample_time() + Duration::from_secs(600), 7);
    let handler =
        async |call| payment_restore::handle(&platform.payments(), &platform.ledger(), &platform.gateway(), call).await;
    edge::direct::invoke(name, event, &clock, &handler).await.expect("a report")
}

#[tokio::test]
async fn charge_of_a_lost_payment_is_refunded_and_posted_once() {
    assert_all_samples_run(catalog::PAYMENT_RESTORE, &["ok", "ok_apply", "bad_unknown_field"]);
    let platform = Platform::new();
    charged(&platform).await;
    let report = restore_payments(&platform, "ok").await;
    assert_eq!((&report["differences"][0]["standing"], &report["returned"]), (&json!("payment_lost"), &json!(0)));
    assert_eq!((platform.gateway().refunds().len(), platform.bus().published().len()), (0, 0), "it only reports");

    let first = restore_payments(&platform, "ok_apply").await;
    assert_eq!((&first["returned"], &first["not_returned"]), (&json!(1), &json!([])), "{first}");
    let refunds = platform.gateway().refunds();
    assert_eq!(refunds.iter().map(|refund| refund.amount).collect::<Vec<_>>(), [build::usd(3998)]);
    let posted: Vec<_> = platform.ledger().transfers().iter().map(|one| one.purpose).collect();
    assert_eq!(posted, [Purpose::Charge, Purpose::Refund]);
    assert_eq!(platform.ledger().balances().values().sum::<i64>(), 0);

    let second = restore_payments(&platform, "ok_apply").await;
    assert_eq!((&second["differences"], &second["returned"]), (&json!([]), &json!(0)), "{second}");
    assert_eq!((platform.gateway().refunds().len(), platform.bus().published().len()), (1, 1), "nothing changed");
}

#[tokio::test]
async fn only_what_is_left_of_a_lost_charge_is_refunded() {
    let platform = Platform::new();
    let payment = charged(&platform).await;
    let charge = payment.transaction_id.expect("charged");
    platform.gateway().refund_in_dashboard(&charge, build::usd(1000), sample_time());
    restore_payments(&platform, "ok_apply").await;
    let amounts: Vec<_> = platform.gateway().refunds().iter().map(|refund| refund.amount).collect();
    assert_eq!(amounts, [build::usd(1000), build::usd(2998)]);
    assert_eq!(restore_payments(&platform, "ok_apply").await["differences"], json!([]), "all are posted");
}

#[tokio::test]
async fn charge_of_a_known_payment_is_not_refunded() {
    let declined = |payment: &Payment| {
        let outcome = ChargeOutcome::Declined("card_declined".to_owned());
        let id = RefundId(Uuid::from_u128(1));
        let change = payment::record_charge_outcome(payment, 1, &outcome, id, sample_time());
        change.expect("allowed").expect("a transition").payment
    };
    for (stored, standing) in [(pending(), "unresolved"), (declined(&pending()), "other_charge")] {
        let platform = Platform::new();
        charged(&platform).await;
        platform.payments().put(&stored);
        let report = restore_payments(&platform, "ok_apply").await;
        assert_eq!((&report["differences"][0]["standing"], &report["returned"]), (&json!(standing), &json!(0)));
        assert_eq!(platform.gateway().refunds(), []);
    }
}

#[tokio::test]
async fn refund_that_its_payment_lost_is_recorded_once() {
    let platform = Platform::new();
    let payment = charged(&platform).await;
    platform.payments().put(&pending());
    let outcome = platform.gateway().find_charge(&pending()).await.expect("a response").expect("charged");
    let id = RefundId(Uuid::from_u128(1));
    let change = payment::record_charge_outcome(&pending(), 1, &outcome, id, sample_time());
    let change = change.expect("allowed").expect("a transition");
    platform.payments().advance(None, &change, &[]).await.expect("stored");
    let charge = payment.transaction_id.expect("charged");
    platform.gateway().refund_in_dashboard(&charge, build::usd(1000), sample_time());
    let first = restore_payments(&platform, "ok_apply").await;
    assert_eq!((&first["differences"][0]["standing"], &first["recorded"]), (&json!("refund_unrecorded"), &json!(1)));
    let stored = platform.payments().get(PAYMENT, None).await.expect("read").expect("stored");
    assert_eq!((stored.refunds.len(), stored.refundable()), (1, 2998));
    let second = restore_payments(&platform, "ok_apply").await;
    assert_eq!((&second["differences"], &second["recorded"]), (&json!([]), &json!(0)), "{second}");
}

#[tokio::test]
async fn series_continue_after_the_documents_that_exist() {
    assert_all_samples_run(catalog::INVOICE_RESTORE, &["ok", "ok_apply", "bad_unknown_field"]);
    let (platform, calendar) = (Platform::new(), Calendar::utc());
    for key in ["2026/2026-000001.pdf", "2026/2026-000003.pdf", "CN-2026/CN-2026-000002.pdf", "2025/2025-000009.pdf"] {
        platform.documents().put_once(key, "application/pdf", vec![1]).await.expect("stored");
    }
    platform.invoices().raise_series("2026", 1, calendar.date(sample_time())).await.expect("raised");
    let run = async |case| -> Result<Value, edge::FunctionError> {
        let handler =
            async |call| invoice_restore::handle(&platform.invoices(), &platform.documents(), &calendar, call).await;
        let (name, event) = (catalog::INVOICE_RESTORE.name, sample(catalog::INVOICE_RESTORE, case));
        edge::direct::invoke(name, event, &clock(), &handler).await
    };
    let gaps = json!([
        {"series": "2026", "first": 2, "last": 3},
        {"series": "CN-2026", "first": 1, "last": 2},
    ]);
    assert_eq!(run("ok").await.expect("a report")["gaps"], gaps, "it only reports");
    assert_eq!(run("ok_apply").await.expect("a report")["gaps"], gaps);
    assert_eq!(run("ok_apply").await.expect("a report")["gaps"], json!([]), "the second run changes nothing");
    let draft = build::order().id(OrderId(Uuid::from_u128(9))).invoice_draft();
    let issued = |invoice: &Invoice| build::event(8, invoice.issued(draft.order_id));
    let invoice = platform.invoices().assign_number(&draft, &calendar, sample_time(), &issued).await;
    assert_eq!(invoice.map(|invoice| invoice.number()), Ok::<_, Failure>("2026-000004".to_owned()));
}
