-- The orders of guests: by which token they are opened, and who is written to. All is null once an account claimed the order, or its
-- personal data was erased. `user_id` of these orders is a keyed hash of the address.
CREATE TABLE order_guests (
    order_id     UUID PRIMARY KEY REFERENCES orders (order_id),
    -- SHA-256 of the token.
    token_hash   BYTEA,
    -- The token, encrypted, for the mails about the order.
    sealed_token TEXT,
    email        TEXT,
    name         TEXT,
    -- How many events told that the order was claimed or erased.
    event_count  BIGINT NOT NULL
);
CREATE UNIQUE INDEX order_guests_token ON order_guests (token_hash) WHERE token_hash IS NOT NULL;
