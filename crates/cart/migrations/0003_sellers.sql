-- The seller of the product at the last look-up; null for the shop itself. The lines of one seller are shipped together.
ALTER TABLE cart_items ADD COLUMN seller_id UUID;
