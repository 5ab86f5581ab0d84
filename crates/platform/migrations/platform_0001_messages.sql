-- What the platform keeps in every service's database.

-- The number of the newest event of each aggregate.
CREATE TABLE aggregates (
    aggregate_id UUID PRIMARY KEY,
    sequence     BIGINT NOT NULL
);

-- Events that were committed with their change. They stay for a while, so that they can be published again.
CREATE TABLE outbox (
    position       INTEGER PRIMARY KEY,
    event_id       UUID NOT NULL,
    event_type     TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id   UUID NOT NULL,
    sequence       BIGINT NOT NULL,
    payload        TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id   UUID,
    schema_version BIGINT NOT NULL,
    occurred_at    BIGINT NOT NULL
);

-- Events whose effect was committed here: a second delivery finds itself and does nothing.
CREATE TABLE inbox (
    event_id    UUID PRIMARY KEY,
    consumed_at BIGINT NOT NULL
);
CREATE INDEX inbox_by_time ON inbox (consumed_at);

-- How far each producer's outbox was consumed.
CREATE TABLE subscriptions (
    producer TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);

-- Events that could not be consumed: RETRYING by themselves, WAITING behind an earlier one of their aggregate,
-- PARKED until an admin replays them.
CREATE TABLE parked_events (
    event_id        UUID PRIMARY KEY,
    producer        TEXT NOT NULL,
    aggregate_id    UUID NOT NULL,
    sequence        BIGINT NOT NULL,
    event_type      TEXT NOT NULL,
    envelope        TEXT NOT NULL,
    status          TEXT NOT NULL,
    attempts        BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    error           TEXT NOT NULL,
    parked_at       BIGINT NOT NULL
);
CREATE INDEX parked_events_by_aggregate ON parked_events (aggregate_id, sequence);
CREATE INDEX parked_events_due ON parked_events (status, next_attempt_at);

-- First answers under an idempotency key. A row without a body is an answer that is still being waited for; it names
-- what was made, so that a crash in between leaves an answer to be given.
CREATE TABLE idempotency (
    scope        BYTEA PRIMARY KEY,
    request_hash BYTEA NOT NULL,
    status       BIGINT NOT NULL,
    headers      TEXT NOT NULL,
    body         BYTEA,
    resource     UUID,
    busy_until   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);
