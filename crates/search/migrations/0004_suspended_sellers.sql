-- The sellers that are suspended. Views of the index leave their products out; the documents stay indexed.
CREATE TABLE suspended_sellers (
    seller_id UUID PRIMARY KEY
);
