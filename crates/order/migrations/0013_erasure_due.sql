-- When it is looked at again whether an order can be erased, whose guest erased the account with its address while the order was under way.
-- Null for all others.
ALTER TABLE order_guests ADD COLUMN erase_due_at BIGINT;
CREATE INDEX order_guests_erase_due ON order_guests (erase_due_at) WHERE erase_due_at IS NOT NULL;
