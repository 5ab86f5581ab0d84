-- What the carrier last reported of a parcel after it had agreed not to fetch it.
ALTER TABLE shipments ADD COLUMN contradiction TEXT;

-- Orders that were called off before anything else was heard of them: their row begins CLOSED.
CREATE TABLE called_off (
    order_id UUID PRIMARY KEY
);
