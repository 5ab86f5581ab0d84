-- When the user showed to read the mails to the account's address; NULL before that.
ALTER TABLE credentials ADD COLUMN email_verified_at BIGINT;

-- Tokens that were mailed to verify an address: the account's own, or the one that it gets. They stay for a while after their
-- end, because mails are counted by them.
CREATE TABLE email_tokens (
    token_id   UUID PRIMARY KEY,
    user_id    UUID NOT NULL,
    email      TEXT NOT NULL,
    -- SHA-256; the token itself is 32 random bytes.
    token_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When it was used, or replaced by a later one.
    ended_at   BIGINT
);
CREATE UNIQUE INDEX email_tokens_hash ON email_tokens (token_hash);
CREATE INDEX email_tokens_by_user ON email_tokens (user_id, created_at);
CREATE INDEX email_tokens_by_expiry ON email_tokens (expires_at);

-- Addresses that asked for another mail without logging in. A worker finds out whether there is an account, so that the request
-- itself does the same for every address.
CREATE TABLE email_token_requests (
    email          TEXT PRIMARY KEY,
    correlation_id TEXT NOT NULL,
    requested_at   BIGINT NOT NULL
);
CREATE INDEX email_token_requests_by_time ON email_token_requests (requested_at);
