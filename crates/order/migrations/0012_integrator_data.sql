-- What integrators save with an order: its name in their system, which is unique among the orders of a customer, and an object of texts
-- in JSON.
ALTER TABLE orders ADD COLUMN external_id TEXT;
ALTER TABLE orders ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
CREATE UNIQUE INDEX orders_by_external_id ON orders (external_id, user_id) WHERE external_id IS NOT NULL;
