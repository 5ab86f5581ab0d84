CREATE TABLE webhook_endpoints (
    webhook_endpoint_id UUID PRIMARY KEY,
    -- Null for those of the shop.
    seller_id           UUID,
    url                 TEXT NOT NULL,
    event_types         TEXT NOT NULL,
    description         TEXT,
    status              TEXT NOT NULL,
    disabled_reason     TEXT,
    -- Encrypted.
    secret              TEXT NOT NULL,
    former_secret       TEXT,
    former_secret_until BIGINT,
    -- Its receiver wants nothing before.
    resumes_at          BIGINT,
    version             BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);
CREATE INDEX webhook_endpoints_by_seller ON webhook_endpoints (seller_id, webhook_endpoint_id);

-- The types of the endpoints that are enabled: all that a batch of events is compared with.
CREATE TABLE webhook_endpoint_events (
    webhook_endpoint_id UUID NOT NULL,
    event_type          TEXT NOT NULL,
    seller_id           UUID,
    -- Events that occurred before are not sent.
    since               BIGINT NOT NULL,
    PRIMARY KEY (webhook_endpoint_id, event_type)
);
CREATE INDEX webhook_endpoint_events_by_type ON webhook_endpoint_events (event_type, seller_id);

CREATE TABLE webhook_deliveries (
    webhook_delivery_id UUID PRIMARY KEY,
    webhook_endpoint_id UUID NOT NULL,
    -- Null for a test.
    event_id            UUID,
    event_type          TEXT NOT NULL,
    -- The body that is posted.
    body                TEXT NOT NULL,
    status              TEXT NOT NULL,
    attempts            BIGINT NOT NULL,
    -- Those since the beginning or the last retry by hand, and the most of them.
    tries               BIGINT NOT NULL,
    tries_max           BIGINT NOT NULL,
    response_status     BIGINT,
    last_error          TEXT,
    due_at              BIGINT,
    last_attempt_at     BIGINT,
    created_at          BIGINT NOT NULL
);
CREATE UNIQUE INDEX webhook_deliveries_by_event ON webhook_deliveries (webhook_endpoint_id, event_id);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (webhook_endpoint_id, webhook_delivery_id);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (webhook_endpoint_id, status, webhook_delivery_id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at, webhook_endpoint_id) WHERE due_at IS NOT NULL;

-- Endpoints that were deleted and whose deliveries are not yet.
CREATE TABLE webhook_removals (
    webhook_endpoint_id UUID PRIMARY KEY
);
