-- Guests: who has the token of a cart and no account. `user_id` of their carts is the `guest_id`.
CREATE TABLE guests (
    guest_id   UUID PRIMARY KEY,
    -- SHA-256; the token itself is 32 random bytes that only its bearer has.
    token_hash BYTEA NOT NULL,
    -- A use of the token moves it on.
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX guests_token ON guests (token_hash);
CREATE INDEX guests_by_expiry ON guests (expires_at);
