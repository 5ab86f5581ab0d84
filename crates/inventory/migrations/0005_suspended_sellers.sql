-- The sellers that are suspended. Their products are not on sale, whatever the copies of the products say.
CREATE TABLE suspended_sellers (
    seller_id UUID PRIMARY KEY
);
