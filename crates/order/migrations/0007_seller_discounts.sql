-- The part of the discount of a line that its seller pays, who made the promotion.
ALTER TABLE order_items ADD COLUMN seller_discount_amount BIGINT NOT NULL DEFAULT 0;
