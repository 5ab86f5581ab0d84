-- The log: every event of every service, in the order it arrived here. Rows are only ever added.
CREATE TABLE events (
    position       BIGINT PRIMARY KEY,
    event_id       UUID NOT NULL,
    event_type     TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id   UUID NOT NULL,
    sequence       BIGINT NOT NULL,
    payload        TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id   UUID,
    producer       TEXT NOT NULL,
    schema_version BIGINT NOT NULL,
    occurred_at    BIGINT NOT NULL,
    recorded_at    BIGINT NOT NULL,
    -- SHA-256 over the former row's hash and this row.
    hash           BYTEA NOT NULL,
    -- Taken from the payload, so that it can be asked for.
    user_id        UUID,
    order_id       UUID
);
CREATE UNIQUE INDEX events_once ON events (event_id);

-- One index for each thing that can be asked for, each in the order of the list.
CREATE INDEX events_by_time ON events (occurred_at, position);
CREATE INDEX events_by_user ON events (user_id, occurred_at, position) WHERE user_id IS NOT NULL;
CREATE INDEX events_by_order ON events (order_id, occurred_at, position) WHERE order_id IS NOT NULL;
CREATE INDEX events_by_aggregate ON events (aggregate_id, occurred_at, position);
CREATE INDEX events_by_aggregate_type ON events (aggregate_type, occurred_at, position);
CREATE INDEX events_by_type ON events (event_type, occurred_at, position);
CREATE INDEX events_by_correlation ON events (correlation_id, occurred_at, position);

-- Where the chain ends. Rows that are cut off at the end of the log are missed by it.
CREATE TABLE chain_heads (
    chain    TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    hash     BYTEA NOT NULL
);
