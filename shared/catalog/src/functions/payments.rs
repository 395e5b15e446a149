//! The functions of payments.

use super::*;

functions! {
    /// Charges a reserved order, and retries when requested.
    PAYMENT_CHARGE = Function::new("payment-charge", Payments).on(&[STOCK_RESERVED, PAYMENT_REQUESTED])
        .uses(&[
            Uses::Postgres, Uses::Bus, Uses::Redis, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue]),
            Uses::AttemptLimit,
        ])
        .publishes(&[PAYMENT_SUCCEEDED, PAYMENT_ACTION_REQUIRED, PAYMENT_FAILED, PAYMENT_MISMATCHED, REFUND_REQUESTED, GATEWAY_SUSPENDED]).timeout(30).concurrency(70);
    /// Closes and refunds the payment of a cancelled order.
    PAYMENT_CLOSE = Function::new("payment-close", Payments).on(&[ORDER_CANCELLED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[REFUND_REQUESTED]).timeout(15);
    /// Executes a refund.
    PAYMENT_REFUND = Function::new("payment-refund", Payments).on(&[REFUND_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])])
        .publishes(&[PAYMENT_REFUNDED, REFUND_FAILED, REFUND_REQUESTED, PAYMENT_MISMATCHED, GATEWAY_SUSPENDED]).timeout(30);
    /// Retries a declined payment.
    PAYMENT_PROCESS = Function::new("payment-process", Payments)
        .http(Post, "/api/v1/payments/process", CUSTOMER_ONLY).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::AttemptLimit]).publishes(&[PAYMENT_REQUESTED]);
    /// Returns a payment.
    PAYMENT_GET = Function::new("payment-get", Payments).http(Get, "/api/v1/payments/{id}", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead]);
    /// Returns the payment of an order.
    PAYMENT_GET_ORDER = Function::new("payment-get-order", Payments)
        .http(Get, "/api/v1/payments/order/{order_id}", OWNER_OR_STAFF).uses(&[Uses::PostgresRead]);
    /// Requests a refund.
    REFUND_REQUEST = Function::new("refund-request", Payments)
        .http(Post, "/api/v1/payments/refund", STAFF_OR_ADMIN).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::RefundLimit]).publishes(&[REFUND_REQUESTED, REFUND_APPROVAL_REQUESTED]);
    /// Lists payments with refunds that wait for approval.
    REFUND_APPROVAL_LIST = Function::new("refund-approval-list", Payments)
        .http(Get, "/api/v1/ops/payments/refund-approvals", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Approves or rejects a refund that waits for approval.
    REFUND_APPROVAL_DECIDE = Function::new("refund-approval-decide", Payments)
        .http(Patch, "/api/v1/payments/{id}/refund-approvals/{refund_id}", ADMIN_ONLY).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[REFUND_REQUESTED, REFUND_APPROVAL_DECIDED, REFUND_APPROVAL_REFUSED]);
    /// Processes webhooks of the payment gateway.
    PAYMENT_WEBHOOK = Function::new("payment-webhook", Payments).http(Post, "/api/v1/webhooks/payments", Public).class(RouteClass::Webhook)
        .uses(&[
            Uses::Postgres, Uses::Bus, Uses::Gateway,
            Uses::Secret(&GATEWAY_KEY, &[GetSecretValue]), Uses::Secret(&WEBHOOK_SECRET, &[GetSecretValue]),
        ])
        .publishes(&[
            PAYMENT_SUCCEEDED, PAYMENT_ACTION_REQUIRED, PAYMENT_FAILED, PAYMENT_MISMATCHED, PAYMENT_REFUNDED, REFUND_FAILED, REFUND_REQUESTED,
            PAYMENT_DISPUTED, DISPUTE_UPDATED, DISPUTE_CLOSED,
        ])
        .concurrency(30);
    /// Reconciles payments and refunds without a result.
    PAYMENT_RECONCILE = Function::new("payment-reconcile", Payments).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])])
        .publishes(&[
            PAYMENT_SUCCEEDED, PAYMENT_ACTION_REQUIRED, PAYMENT_FAILED, PAYMENT_REQUESTED, PAYMENT_REFUNDED, REFUND_FAILED, REFUND_REQUESTED,
            PAYMENT_MISMATCHED,
        ])
        .timeout(240);
    /// Reads the statement of the gateway, and reconciles the ledger with it once a day.
    LEDGER_RECONCILE = Function::new("ledger-reconcile", Payments).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])])
        .publishes(&[LEDGER_RECONCILED]).timeout(300);
    /// Settles with the gateway after a restore of the database.
    PAYMENT_RESTORE = Function::new("payment-restore", Payments)
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])])
        .publishes(&[LEDGER_RECONCILED, PAYMENT_REFUNDED, REFUND_FAILED, PAYMENT_MISMATCHED]).timeout(300);
    /// Lists the disputes of a payment.
    DISPUTE_LIST = Function::new("dispute-list", Payments).http(Get, "/api/v1/payments/{id}/disputes", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);
    /// Saves a payment method.
    PAYMENT_METHOD_ADD = Function::new("payment-method-add", Payments)
        .http(Post, "/api/v1/payment-methods", CUSTOMER_ONLY).honours_key()
        .uses(&[Uses::Postgres, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])]).timeout(20);
    /// Lists the saved payment methods of the caller.
    PAYMENT_METHOD_LIST = Function::new("payment-method-list", Payments)
        .http(Get, "/api/v1/payment-methods", CUSTOMER_ONLY).uses(&[Uses::PostgresRead]);
    /// Makes a saved payment method the default one.
    PAYMENT_METHOD_CHOOSE = Function::new("payment-method-choose", Payments)
        .http(Put, "/api/v1/payment-methods/{id}/default", CUSTOMER_ONLY).uses(&[Uses::Postgres]);
    /// Deletes a saved payment method.
    PAYMENT_METHOD_DELETE = Function::new("payment-method-delete", Payments)
        .http(Delete, "/api/v1/payment-methods/{id}", CUSTOMER_ONLY)
        .uses(&[Uses::Postgres, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])]).timeout(20);
    /// Forgets the saved payment methods of a deleted account.
    PAYMENT_METHOD_FORGET = Function::new("payment-method-forget", Payments).on(&[USER_DELETED])
        .uses(&[Uses::Postgres, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])]).timeout(30);
    /// Lists payments for which the gateway moved another amount than was asked.
    MISMATCH_LIST = Function::new("mismatch-list", Payments)
        .http(Get, "/api/v1/ops/payments/mismatches", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Sums up the ledger of a period, and lists how it differs from the statement of the gateway.
    LEDGER_GET = Function::new("ledger-get", Payments)
        .http(Get, "/api/v1/ops/ledger", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
}
