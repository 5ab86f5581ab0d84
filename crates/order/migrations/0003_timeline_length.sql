-- The position of the next entry of a timeline. It is counted up with the order's own row, which a writer holds locked.
ALTER TABLE orders ADD COLUMN timeline_length BIGINT NOT NULL DEFAULT 0;
UPDATE orders SET timeline_length = (SELECT COUNT(*) FROM order_timeline WHERE order_timeline.order_id = orders.order_id);
