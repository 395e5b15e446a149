//! Payments, disputes and saved payment methods.

use super::{ADMIN, Example, NEXT_DAY, NEXT_MONTH, NOON, ORDER, OTHER, PAYMENT, REFUND, TEN_PAST, body, examples, usd};
use crate::Result;
use api::*;
use domain::{
    ledger::{LedgerAccount, Purpose},
    payment::{DisputeStatus, GatewayOperation, RefundReason, RefundStatus, StatedAmount, Status, Verdict},
};
use serde_json::Value;

/// The gateway's id of the charge.
const CHARGE: &str = "pi_3Q9xLm2eZvKYlo2C1a2b3c4d";

examples! {
    PaymentView = Self {
        id: PAYMENT.into(),
        order_id: ORDER.into(),
        amount: usd(4868)?,
        refunded_amount: usd(0)?,
        status: Status::Succeeded,
        payment_method: Some("pm_card_visa".into()),
        next_action: None,
        transaction_id: Some(CHARGE.into()),
        decline_code: None,
        attempts: 1,
        refunds: vec![],
        mismatches: vec![],
        disputes: vec![],
        refund_approvals: vec![],
        created_at: NOON.into(),
        updated_at: NOON.into(),
    };
    DisputeView = Self {
        id: "dp_1Q9xLm2eZvKYlo2C5e6f7g8h".into(),
        amount: usd(4868)?,
        reason: "product_not_received".into(),
        status: DisputeStatus::NeedsResponse,
        evidence_due_by: Some(NEXT_MONTH.into()),
        withdrawn: Some(usd(4868)?),
        returned: None,
        opened_at: NEXT_DAY.into(),
    };
    MismatchedPaymentView = Self {
        payment_id: PAYMENT.into(),
        order_id: ORDER.into(),
        status: Status::Pending,
        mismatches: vec![MismatchView {
            movement: GatewayOperation::Charge,
            transaction_id: CHARGE.into(),
            refund_id: None,
            asked: usd(4868)?,
            answered: Some(StatedAmount::new(4800, "USD")),
            seen_at: TEN_PAST.into(),
        }],
    };
    LedgerView = {
        let sum = |amount| SumView { amount, currency: "USD".into() };
        Self {
            from: "2026-11-21T00:00:00Z".into(),
            to: "2026-11-22T00:00:00Z".into(),
            accounts: vec![
                AccountTotalView { account: LedgerAccount::Fees, debits: sum(171), credits: sum(0) },
                AccountTotalView { account: LedgerAccount::Gateway, debits: sum(4868), credits: sum(171) },
                AccountTotalView { account: LedgerAccount::Sales, debits: sum(0), credits: sum(4868) },
            ],
            transfers: vec![
                TransferTotalView { purpose: Purpose::Charge, count: 1, amount: sum(4868) },
                TransferTotalView { purpose: Purpose::Fee, count: 1, amount: sum(171) },
            ],
            read_until: Some("2026-11-21T12:20:00Z".into()),
            compared_at: Some("2026-11-21T06:30:00Z".into()),
            discrepancies: vec![],
        }
    };
    RefundApprovalView = Self {
        id: REFUND.into(),
        amount: usd(4868)?,
        reason: RefundReason::RequestedByCustomer,
        requested_by: ADMIN.into(),
        requested_at: NEXT_DAY.into(),
        verdict: None,
        decision_reason: None,
        decided_by: None,
        decided_at: None,
    };
    PaymentAwaitingApprovalView = Self {
        payment_id: PAYMENT.into(),
        order_id: ORDER.into(),
        amount: usd(4868)?,
        refunded_amount: usd(0)?,
        refund_approvals: vec![RefundApprovalView::example()?],
    };
    PaymentMethodView = Self {
        id: OTHER.into(),
        payment_method: "pm_card_visa".into(),
        brand: "visa".into(),
        last4: "4242".into(),
        exp_month: 4,
        exp_year: 2030,
        is_default: true,
        created_at: NOON.into(),
    };
}

/// The payment before the gateway has responded.
pub fn pending_payment() -> Result<Value> {
    let payment = PaymentView::example()?;
    body(PaymentView { status: Status::Pending, transaction_id: None, ..payment })
}

/// The payment with a refund that another admin has approved.
pub fn payment_with_approved_refund() -> Result<Value> {
    let mut payment = payment_with_refund()?;
    let approval = RefundApprovalView {
        verdict: Some(Verdict::Approved),
        decision_reason: Some("The parcel came back.".into()),
        decided_by: Some(OTHER.into()),
        decided_at: Some(NEXT_DAY.into()),
        ..RefundApprovalView::example()?
    };
    payment["refund_approvals"] = body([approval])?;
    Ok(payment)
}

/// The payment with a refund that the gateway has not confirmed.
pub fn payment_with_refund() -> Result<Value> {
    let refund = RefundView {
        id: REFUND.into(),
        amount: usd(4868)?,
        reason: RefundReason::RequestedByCustomer,
        status: RefundStatus::Pending,
        requested_at: NEXT_DAY.into(),
    };
    body(PaymentView { refunds: vec![refund], updated_at: NEXT_DAY.into(), ..PaymentView::example()? })
}
