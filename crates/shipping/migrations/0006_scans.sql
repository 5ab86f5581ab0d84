-- Carriers look parcels up by the number on them.
CREATE INDEX shipments_by_tracking_number ON shipments (tracking_number, order_id) WHERE tracking_number IS NOT NULL;

-- When an entry was recorded, and the time that the carrier gave for its scan; 0 when it gave none. Two scans with the same
-- words at different times are two entries.
ALTER TABLE shipment_events ADD COLUMN recorded_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE shipment_events ADD COLUMN scanned_at BIGINT NOT NULL DEFAULT 0;
UPDATE shipment_events SET recorded_at = occurred_at;
DROP INDEX shipment_events_content;
CREATE UNIQUE INDEX shipment_events_content ON shipment_events (shipment_id, status, message, scanned_at);
