-- The average of the published reviews of a product in hundredths of a star, and their number. They may be known before the
-- product is on sale, and outlive it.
CREATE TABLE ratings (
    product_id         UUID PRIMARY KEY,
    average_hundredths BIGINT NOT NULL,
    review_count       BIGINT NOT NULL
);
