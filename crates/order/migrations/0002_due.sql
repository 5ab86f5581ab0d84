-- The saga looks through everything that is due whenever an order ends its turn, those in hand included: the index alone
-- answers it.
DROP INDEX orders_due;
CREATE INDEX orders_due ON orders (due_at, order_id) WHERE due_at IS NOT NULL;
