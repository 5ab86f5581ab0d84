-- A shipment is that of one fulfilment, a part of an order. An order of earlier versions has one, and its id is that of the order;
-- so the carrier knows its parcel by the same key.
ALTER TABLE shipments RENAME COLUMN order_id TO fulfilment_id;
ALTER TABLE shipments ADD COLUMN order_id UUID;
UPDATE shipments SET order_id = fulfilment_id;
CREATE INDEX shipments_by_order ON shipments (order_id, fulfilment_id);

-- One row for each fulfilment, locked by whatever inserts its shipment or cancels it.
ALTER TABLE orders RENAME COLUMN order_id TO fulfilment_id;
ALTER TABLE orders RENAME TO fulfilments;
ALTER TABLE mock_parcels RENAME COLUMN order_id TO fulfilment_id;
