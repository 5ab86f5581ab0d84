-- The list of administrators by the highest total.
CREATE INDEX orders_by_total ON orders (total_amount, order_id);
