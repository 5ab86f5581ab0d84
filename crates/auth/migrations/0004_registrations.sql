-- Which requests opened accounts under an Idempotency-Key: a repetition logs in instead.
CREATE TABLE registrations (
    -- SHA-256 of the key.
    key_hash     BYTEA PRIMARY KEY,
    -- SHA-256 of e-mail and name. The password is told by the account's own hash, and by no faster one.
    request_hash BYTEA NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX registrations_by_time ON registrations (created_at);
