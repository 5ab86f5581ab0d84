-- The main picture of the product when the order was placed.
ALTER TABLE order_items ADD COLUMN image_url TEXT;
