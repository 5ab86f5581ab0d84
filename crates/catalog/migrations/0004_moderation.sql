-- What administrators decided about a product, beside the status that its seller chose.
ALTER TABLE products ADD COLUMN moderation_status TEXT NOT NULL DEFAULT 'CLEAR';
ALTER TABLE products ADD COLUMN moderation_reason TEXT;

-- The sellers that are suspended. Their products stay as they are and are not on sale: a suspension is one row, however many
-- products there are.
CREATE TABLE suspended_sellers (
    seller_id    UUID PRIMARY KEY,
    suspended_at BIGINT NOT NULL
);
