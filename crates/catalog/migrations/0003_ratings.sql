-- The average of the published reviews of a product in hundredths of a star, and their number, as the review service announced
-- them last. They are no change of the product.
ALTER TABLE products ADD COLUMN rating_average BIGINT NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN rating_count BIGINT NOT NULL DEFAULT 0;
