-- Our side: what we want of the provider, and what we know of it.

CREATE TABLE payments (
    payment_id        UUID PRIMARY KEY,
    order_id          UUID NOT NULL,
    order_number      TEXT NOT NULL,
    user_id           UUID NOT NULL,
    status            TEXT NOT NULL,
    amount            BIGINT NOT NULL,
    currency          TEXT NOT NULL,
    captured_amount   BIGINT NOT NULL,
    refunded_amount   BIGINT NOT NULL,
    payment_method    TEXT NOT NULL,
    failure           TEXT,
    -- Set when it was given up while its authorization was not settled yet.
    void_requested_at BIGINT,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);
-- An order has one payment under way: nothing is held, let alone captured, twice.
CREATE UNIQUE INDEX payments_open_by_order ON payments (order_id) WHERE status IN ('INITIATED', 'AUTHORIZED', 'CAPTURED');
CREATE INDEX payments_by_order ON payments (order_id, payment_id);
CREATE INDEX payments_by_status ON payments (status, payment_id);

CREATE TABLE payment_transactions (
    transaction_id     UUID PRIMARY KEY,
    payment_id         UUID NOT NULL REFERENCES payments (payment_id),
    -- 0 for the payment's first.
    position           BIGINT NOT NULL,
    type               TEXT NOT NULL,
    status             TEXT NOT NULL,
    amount             BIGINT NOT NULL,
    provider_reference TEXT,
    failure            TEXT,
    -- How often the provider gave no answer to it.
    fruitless_attempts BIGINT NOT NULL,
    -- When the provider is asked what became of it; null once that is known.
    due_at             BIGINT,
    created_at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX payment_transactions_by_payment ON payment_transactions (payment_id, position);
-- A payment waits for one answer at a time.
CREATE UNIQUE INDEX payment_transactions_open ON payment_transactions (payment_id) WHERE status IN ('PENDING', 'UNKNOWN');
-- Held, taken and let go at most once.
CREATE UNIQUE INDEX payment_transactions_once ON payment_transactions (payment_id, type) WHERE type <> 'REFUND' AND status <> 'FAILED';
CREATE INDEX payment_transactions_due ON payment_transactions (due_at) WHERE due_at IS NOT NULL;
