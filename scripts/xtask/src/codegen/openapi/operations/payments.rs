//! The contract of the routes of payments.

use super::super::{
    examples,
    operation::{Operation, route, time},
};
use api::*;
use domain::{
    payment::{DecideRefund, ProcessPayment, RefundPayment},
    saved_method::SavePaymentMethod,
};

pub(super) fn routes() -> Vec<Operation> {
    vec![
        route(catalog::PAYMENT_PROCESS)
            .takes::<ProcessPayment>()
            .accepted::<PaymentView>()
            .example(examples::pending_payment)
            .refuses(&[
                "already-paid",
                "order-closed",
                "payment-in-progress",
                "too-many-attempts",
                "too-many-payment-attempts",
            ]),
        route(catalog::PAYMENT_GET).ok::<PaymentView>(),
        route(catalog::PAYMENT_GET_ORDER).ok::<PaymentView>(),
        route(catalog::REFUND_REQUEST)
            .takes::<RefundPayment>()
            .accepted::<PaymentView>()
            .example(examples::payment_with_refund)
            .refuses(&["not-refundable"]),
        route(catalog::REFUND_APPROVAL_LIST).ok::<ListView<PaymentAwaitingApprovalView>>().paged(),
        route(catalog::REFUND_APPROVAL_DECIDE)
            .takes::<DecideRefund>()
            .ok::<PaymentView>()
            .example(examples::payment_with_approved_refund)
            .refuses(&["not-refundable", "own-request", "refund-decided"]),
        route(catalog::PAYMENT_WEBHOOK).takes_signed().refuses(&["event-malformed", "signature-invalid"]),
        route(catalog::PAYMENT_METHOD_ADD)
            .takes::<SavePaymentMethod>()
            .created::<PaymentMethodView>()
            .refuses(&["too-many-payment-methods"]),
        route(catalog::PAYMENT_METHOD_LIST).ok::<ListView<PaymentMethodView>>(),
        route(catalog::PAYMENT_METHOD_CHOOSE).ok::<PaymentMethodView>(),
        route(catalog::PAYMENT_METHOD_DELETE),
        route(catalog::DISPUTE_LIST).ok::<ListView<DisputeView>>(),
        route(catalog::MISMATCH_LIST).ok::<ListView<MismatchedPaymentView>>().paged(),
        route(catalog::LEDGER_GET)
            .ok::<LedgerView>()
            .query("from", "Start of the period; a day before its end, if absent.", time())
            .query("to", "End of the period, exclusive, at most 31 days after its start; now, if absent.", time()),
    ]
}
