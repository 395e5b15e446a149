-- Payments, one for each order, and the ledger.

CREATE TABLE payments.payments (
    id              uuid        PRIMARY KEY,
    order_id        uuid        NOT NULL UNIQUE,
    user_id         uuid        NOT NULL,
    amount          bigint      NOT NULL CHECK (amount >= 0),
    currency        text        NOT NULL,
    -- Null when the order was cancelled before the first attempt.
    method          text,
    status          text        NOT NULL
        CHECK (status IN ('pending', 'succeeded', 'failed', 'refunded', 'partially_refunded')),
    attempts        integer     NOT NULL CHECK (attempts >= 0),
    attempted_at    timestamptz NOT NULL,
    -- The order is cancelled: there are no further attempts, and a charge that succeeds is refunded at once.
    closed          boolean     NOT NULL DEFAULT false,
    -- The gateway's id of the charge, or its code for the decline.
    transaction_id  text,
    decline_code    text,
    -- [{id, amount, reason, status, transaction_id?, requested_at}], oldest first. Only ever read together with the payment.
    refunds         jsonb       NOT NULL DEFAULT '[]',
    -- When to reconcile with the gateway because a result is missing; null when none is.
    reconcile_after timestamptz,
    version         bigint      NOT NULL CHECK (version > 0),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE INDEX payments_to_reconcile ON payments.payments (reconcile_after) WHERE reconcile_after IS NOT NULL;

-- The ledger. A row debits one account and credits another with the same amount, so the balances of all accounts always add up to
-- zero. Rows are never changed or deleted; grants.sql revokes both.
CREATE TABLE payments.transfers (
    purpose    text        NOT NULL CHECK (purpose IN ('charge', 'refund', 'fee')),
    -- The gateway's id of the transaction.
    reference  text        NOT NULL,
    payment_id uuid,
    refund_id  uuid,
    debit      text        NOT NULL CHECK (debit IN ('gateway', 'sales', 'fees')),
    credit     text        NOT NULL CHECK (credit IN ('gateway', 'sales', 'fees')),
    amount     bigint      NOT NULL CHECK (amount > 0),
    currency   text        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (purpose, reference),
    CHECK (debit <> credit)
);
CREATE INDEX transfers_at ON payments.transfers (at);

-- The balance of each account: debits minus credits.
CREATE VIEW payments.accounts AS
SELECT account, currency, sum(amount)::bigint AS balance
FROM (
    SELECT debit AS account, currency, amount FROM payments.transfers
    UNION ALL
    SELECT credit, currency, -amount FROM payments.transfers
) AS entry
GROUP BY account, currency;
