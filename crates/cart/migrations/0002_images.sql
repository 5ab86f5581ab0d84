-- The main picture of the product at the last look-up.
ALTER TABLE cart_items ADD COLUMN image_url TEXT;
