-- Accounts with a seller's record that is APPROVED or SUSPENDED. Their tokens say so, also while they lack the role SELLER.
CREATE TABLE seller_records (
    user_id  UUID PRIMARY KEY,
    known_at BIGINT NOT NULL
);
