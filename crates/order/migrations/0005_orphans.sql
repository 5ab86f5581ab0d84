-- Payments, reservations and shipments of orders that this database does not have, because it was restored from an older copy.
CREATE TABLE orphans (
    resource_id     UUID PRIMARY KEY,
    kind            TEXT NOT NULL,
    order_id        UUID NOT NULL,
    found_at        BIGINT NOT NULL,
    due_at          BIGINT,
    failed_attempts BIGINT NOT NULL,
    -- Null until it is released, or found to be shipped.
    outcome         TEXT
);
CREATE INDEX orphans_due ON orphans (due_at) WHERE due_at IS NOT NULL;
