-- One row for each order. Whatever inserts or cancels a shipment locks it first, so that a cancellation and an insertion at
-- the same time see each other. is_cancelled: the order was cancelled before it had a row in shipments.
ALTER TABLE cancelled_before_booking RENAME TO orders;
ALTER TABLE orders ADD COLUMN is_cancelled BOOLEAN NOT NULL DEFAULT TRUE;
INSERT INTO orders (order_id, is_cancelled)
    SELECT order_id, FALSE FROM shipments WHERE order_id NOT IN (SELECT order_id FROM orders);

-- How many entries the history has, which is the position of the next one.
ALTER TABLE shipments ADD COLUMN event_count BIGINT NOT NULL DEFAULT 0;
UPDATE shipments SET event_count =
    (SELECT COUNT(*) FROM shipment_events WHERE shipment_events.shipment_id = shipments.shipment_id);

-- The carrier is part of the parcel, so it is null until there is one.
ALTER TABLE shipments ADD COLUMN parcel_carrier TEXT;
UPDATE shipments SET parcel_carrier = carrier WHERE status IS NOT NULL;
ALTER TABLE shipments DROP COLUMN carrier;
ALTER TABLE shipments RENAME COLUMN parcel_carrier TO carrier;
