-- When a category, or one above it, last changed, as the index counts: its products are taken in again after. So a
-- change of the tree writes to the categories below it and to no product.
ALTER TABLE categories ADD COLUMN change_no BIGINT NOT NULL DEFAULT 0;
CREATE INDEX categories_by_change ON categories (change_no, category_id);

-- The products on sale of one category, in order.
DROP INDEX documents_by_category;
CREATE INDEX documents_by_category ON documents (category_id, product_id) WHERE product IS NOT NULL;
