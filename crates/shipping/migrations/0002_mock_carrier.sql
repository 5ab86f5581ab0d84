-- The books of the mock carrier. They are its own: the service asks it, and reads none of this.
CREATE TABLE mock_parcels (
    order_id        UUID PRIMARY KEY,
    -- Null until it is booked.
    tracking_number TEXT,
    -- How often it refused to book on purpose.
    refusals        BIGINT NOT NULL,
    recalled        BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX mock_parcels_tracking_number ON mock_parcels (tracking_number);
