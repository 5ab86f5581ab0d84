-- The text by which owners find and sort their products: title, SKU and brand, folded. Products that are older than this table
-- are added by the worker `product-texts`.
CREATE TABLE product_texts (
    product_id UUID PRIMARY KEY REFERENCES products (product_id),
    folded     TEXT NOT NULL,
    title_key  TEXT NOT NULL
);
