CREATE TABLE payouts (
    payout_id          UUID PRIMARY KEY,
    seller_id          UUID NOT NULL,
    currency           TEXT NOT NULL,
    amount             BIGINT NOT NULL,
    status             TEXT NOT NULL,
    provider           TEXT NOT NULL,
    -- Masked.
    payout_account     TEXT,
    provider_reference TEXT,
    failure            TEXT,
    -- When the provider is asked next; null once its outcome is known.
    due_at             BIGINT,
    failed_attempts    BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);
-- A seller has one payout under way in a currency.
CREATE UNIQUE INDEX payouts_pending ON payouts (seller_id, currency) WHERE status = 'PENDING';
CREATE INDEX payouts_by_seller ON payouts (seller_id, payout_id);
CREATE INDEX payouts_by_status ON payouts (status, payout_id);
CREATE INDEX payouts_due ON payouts (due_at) WHERE due_at IS NOT NULL;

-- Sellers whose payouts are, or were, held.
CREATE TABLE holds (
    seller_id    UUID PRIMARY KEY,
    is_suspended BOOLEAN NOT NULL,
    held_until   BIGINT NOT NULL
);

-- When the next run begins: one row.
CREATE TABLE schedule (
    schedule_id BIGINT PRIMARY KEY,
    due_at      BIGINT NOT NULL
);

-- The mock provider's own records. The service does not read them; it asks the provider.
CREATE TABLE mock_transfers (
    payout_id  UUID PRIMARY KEY,
    reference  TEXT NOT NULL,
    amount     BIGINT NOT NULL,
    currency   TEXT NOT NULL,
    is_refused BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
