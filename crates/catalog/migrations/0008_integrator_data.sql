-- What integrators save with a product: its name in their system, and an object of texts in JSON.
ALTER TABLE products ADD COLUMN external_id TEXT;
ALTER TABLE products ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
-- The name is unique among the products of a seller, and among those of the shop.
CREATE UNIQUE INDEX products_by_external_id ON products (external_id, seller_id) WHERE external_id IS NOT NULL AND seller_id IS NOT NULL;
CREATE UNIQUE INDEX shop_products_by_external_id ON products (external_id) WHERE external_id IS NOT NULL AND seller_id IS NULL;
