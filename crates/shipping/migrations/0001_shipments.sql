-- One row for each order: first only whose it is and where it would go, then the carrier's booking, then the shipment.
-- That an order has one shipment at most is the primary key.
CREATE TABLE shipments (
    order_id         UUID PRIMARY KEY,
    order_number     TEXT NOT NULL,
    user_id          UUID NOT NULL,
    shipping_address TEXT NOT NULL,
    -- The request that placed the order: what the carrier is asked for carries it on.
    correlation_id   TEXT NOT NULL,
    -- AWAITED, PENDING, BOOKED, RECALLING or CLOSED.
    booking          TEXT NOT NULL,
    attempts         BIGINT NOT NULL,
    failure          TEXT,
    -- When the carrier is asked next; null when there is nothing to ask.
    due_at           BIGINT,
    -- Chosen with the row, public once there is a status.
    shipment_id      UUID NOT NULL,
    status           TEXT,
    tracking_number  TEXT,
    confirmed_at     BIGINT,
    booked_at        BIGINT,
    updated_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX shipments_shipment ON shipments (shipment_id);
CREATE INDEX shipments_due ON shipments (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX shipments_by_status ON shipments (status, order_id) WHERE status IS NOT NULL;
CREATE INDEX shipments_pending ON shipments (order_id) WHERE booking = 'PENDING';

-- The tracking history. A status with the same words is recorded once: a carrier that repeats itself tells nothing new.
CREATE TABLE shipment_events (
    shipment_event_id UUID PRIMARY KEY,
    shipment_id       UUID NOT NULL REFERENCES shipments (shipment_id),
    position          BIGINT NOT NULL,
    status            TEXT NOT NULL,
    message           TEXT NOT NULL,
    occurred_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX shipment_events_position ON shipment_events (shipment_id, position);
CREATE UNIQUE INDEX shipment_events_content ON shipment_events (shipment_id, status, message);
