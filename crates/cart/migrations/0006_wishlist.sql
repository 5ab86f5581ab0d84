-- The products that a customer wants to remember.
CREATE TABLE wishlist_items (
    -- Sorts by the time of adding.
    wishlist_item_id UUID PRIMARY KEY,
    user_id          UUID NOT NULL,
    product_id       UUID NOT NULL,
    -- What the product was called when it was added, for one that is not on sale any more.
    sku              TEXT NOT NULL,
    title_snapshot   TEXT NOT NULL,
    added_at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX wishlist_items_product ON wishlist_items (user_id, product_id);
CREATE INDEX wishlist_items_by_user ON wishlist_items (user_id, wishlist_item_id);
