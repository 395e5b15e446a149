-- Payments, one for each order, and the ledger.

CREATE TABLE payments.payments (
    id              uuid        PRIMARY KEY,
    order_id        uuid        NOT NULL UNIQUE,
    user_id         uuid        NOT NULL,
    amount          bigint      NOT NULL CHECK (amount >= 0),
    currency        text        NOT NULL,
    -- Null when the order was cancelled before the first attempt.
    method          text,
    -- The gateway's customer that the method of the last attempt is saved for.
    customer        text,
    status          text        NOT NULL
        CHECK (status IN ('pending', 'requires_action', 'succeeded', 'failed', 'refunded', 'partially_refunded', 'no_payment_required')),
    attempts        integer     NOT NULL CHECK (attempts >= 0),
    attempted_at    timestamptz NOT NULL,
    -- The order is cancelled: there are no further attempts, and a charge that succeeds is refunded at once.
    closed          boolean     NOT NULL DEFAULT false,
    -- {client_secret, redirect_url?} while the charge requires the customer's consent.
    action          jsonb,
    -- The gateway's id of the charge, or its code for the decline.
    transaction_id  text,
    decline_code    text,
    -- [{id, amount, reason, status, transaction_id?, requested_at}], oldest first. Only ever read together with the payment.
    refunds         jsonb       NOT NULL DEFAULT '[]',
    -- [{movement, transaction_id, refund_id?, asked, answered, at}], oldest first: answers that do not match what was asked.
    mismatches      jsonb       NOT NULL DEFAULT '[]',
    -- The time of the newest of them.
    mismatched_at   timestamptz,
    -- [{id, amount, reason, status, evidence_due_by?, withdrawn?, fee?, returned?, fee_returned?, opened_at}], oldest first.
    disputes        jsonb       NOT NULL DEFAULT '[]',
    -- [{id, amount, reason, requested_by, requested_at, decision: {verdict, reason?, by, at}?}], oldest first: refunds that need the approval of a
    -- second person, with the id of the refund that an approval requests. The reason is what an admin typed.
    approvals       jsonb       NOT NULL DEFAULT '[]',
    -- Since when the oldest of them waits; null when none does.
    awaits_approval_since timestamptz,
    -- When to reconcile with the gateway because a result is missing; null when none is.
    reconcile_after timestamptz,
    version         bigint      NOT NULL CHECK (version > 0),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
-- For the export.
CREATE INDEX payments_of_user ON payments.payments (user_id, id);
-- Events of the gateway about a charge name the charge only.
CREATE INDEX payments_of_transaction ON payments.payments (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX payments_to_reconcile ON payments.payments (reconcile_after) WHERE reconcile_after IS NOT NULL;
CREATE INDEX payments_mismatched ON payments.payments (mismatched_at DESC, id DESC) WHERE mismatched_at IS NOT NULL;
CREATE INDEX payments_awaiting_approval ON payments.payments (awaits_approval_since, id) WHERE awaits_approval_since IS NOT NULL;

-- The customer of each user at the gateway, and the method that is the default one. Of a deleted user only the id stays, so that a request
-- that was in flight saves nothing.
CREATE TABLE payments.gateway_customers (
    user_id        uuid    PRIMARY KEY,
    customer       text,
    default_method uuid,
    is_deleted     boolean NOT NULL DEFAULT false
);

-- Saved payment methods: the gateway's tokens and what people recognize a card by.
CREATE TABLE payments.saved_methods (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES payments.gateway_customers (user_id),
    token      text        NOT NULL UNIQUE,
    -- {brand, last4, exp_month, exp_year}
    card       jsonb       NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX saved_methods_of_user ON payments.saved_methods (user_id, created_at, id);

-- Whether a user may save a method: one that is saved already, or one that leaves at most `most`. It is volatile, so that it sees what was committed
-- before it is called; the caller has locked the customer.
CREATE FUNCTION payments.may_save_method(of_user uuid, wanted text, most bigint) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT count(*) < most OR coalesce(bool_or(m.token = wanted), false) FROM payments.saved_methods AS m WHERE m.user_id = of_user;
$$;

-- The attempts of each customer that count for the limit: {"<order>/<attempt>": <start>}, those of the last hour that have not succeeded.
CREATE TABLE payments.customer_attempts (
    user_id  uuid  PRIMARY KEY,
    attempts jsonb NOT NULL
);

-- The attempts that count at a time.
CREATE FUNCTION payments.recent_attempts(attempts jsonb, at timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(one.key, one.value), '{}') FROM jsonb_each(attempts) AS one
    WHERE (one.value #>> '{}')::timestamptz > at - interval '1 hour';
$$;

-- Whether an attempt may be added to those that count. One that counts already may.
CREATE FUNCTION payments.may_attempt(attempts jsonb, attempt text, at timestamptz, failed bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT attempts ? attempt OR (SELECT count(*) FROM jsonb_object_keys(payments.recent_attempts(attempts, at))) < failed;
$$;

-- The ledger. A row debits one account and credits another with the same amount, so the balances of all accounts always add up to
-- zero. Rows are never changed or deleted; grants.sql revokes both.
CREATE TABLE payments.transfers (
    purpose    text        NOT NULL CHECK (purpose IN ('charge', 'refund', 'fee', 'refund_reversal', 'dispute', 'dispute_fee', 'dispute_reversal',
            'dispute_fee_reversal')),
    -- The gateway's id of the transaction.
    reference  text        NOT NULL,
    payment_id uuid,
    refund_id  uuid,
    debit      text        NOT NULL CHECK (debit IN ('gateway', 'sales', 'fees', 'disputes')),
    credit     text        NOT NULL CHECK (credit IN ('gateway', 'sales', 'fees', 'disputes')),
    amount     bigint      NOT NULL CHECK (amount > 0),
    currency   text        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (purpose, reference),
    CHECK (debit <> credit)
);
CREATE INDEX transfers_at ON payments.transfers (at, purpose, reference);

-- The statement of the gateway, as far as it was read, to be compared with the ledger.
CREATE TABLE payments.statement_lines (
    purpose      text        NOT NULL,
    reference    text        NOT NULL,
    payment_id   uuid,
    amount       bigint      NOT NULL,
    currency     text        NOT NULL,
    fee          bigint      NOT NULL,
    fee_currency text        NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (purpose, reference)
);
CREATE INDEX statement_lines_at ON payments.statement_lines (at, purpose, reference);

-- How far it was read and compared: one row, which each step changes together with what it stores.
CREATE TABLE payments.reconciliation (
    is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    progress jsonb   NOT NULL
);
INSERT INTO payments.reconciliation (progress)
VALUES ('{"read_until": null, "reading": null, "comparison": null, "compared_at": null}');

-- The balance of each account: debits minus credits.
CREATE VIEW payments.accounts AS
SELECT account, currency, sum(amount)::bigint AS balance
FROM (
    SELECT debit AS account, currency, amount FROM payments.transfers
    UNION ALL
    SELECT credit, currency, -amount FROM payments.transfers
) AS entry
GROUP BY account, currency;

-- Approvals without what admins typed as the reasons of their decisions.
CREATE FUNCTION payments.without_reasons(approvals jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(one.value #- '{decision,reason}' ORDER BY one.number), '[]')
    FROM jsonb_array_elements(approvals) WITH ORDINALITY AS one (value, number);
$$;

-- What the export shows of a customer: see identity.export.
CREATE FUNCTION payments.personal_data(user_of uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
        'recent_attempts', (SELECT a.attempts FROM payments.customer_attempts AS a WHERE a.user_id = user_of),
        'gateway_customer', (SELECT c.customer FROM payments.gateway_customers AS c WHERE c.user_id = user_of),
        'payment_methods', (
            SELECT coalesce(jsonb_agg(m.card || jsonb_build_object('id', m.id, 'created_at', m.created_at) ORDER BY m.created_at, m.id), '[]')
            FROM payments.saved_methods AS m WHERE m.user_id = user_of
        )
    );
$$;

-- Payments, with their refunds and disputes.
CREATE FUNCTION payments.personal_records(user_of uuid, after_of uuid, most integer) RETURNS TABLE (id uuid, record jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.id, jsonb_build_object(
        'payment_id', p.id, 'order_id', p.order_id, 'amount', p.amount, 'currency', p.currency, 'method', p.method, 'status', p.status,
        'attempts', p.attempts, 'attempted_at', p.attempted_at, 'transaction_id', p.transaction_id, 'decline_code', p.decline_code,
        'refunds', p.refunds, 'disputes', p.disputes, 'mismatches', p.mismatches, 'created_at', p.created_at, 'updated_at', p.updated_at,
        'refund_decision_reasons', jsonb_path_query_array(p.approvals, '$[*].decision.reason')
    )
    FROM payments.payments AS p
    WHERE p.user_id = user_of AND (after_of IS NULL OR p.id > after_of)
    ORDER BY p.id LIMIT most;
$$;
