-- Keys that programs use in the place of their makers.
CREATE TABLE api_keys (
    api_key_id   UUID PRIMARY KEY,
    user_id      UUID NOT NULL,
    name         TEXT NOT NULL,
    -- SHA-256; the key itself is 32 random bytes that only its maker has.
    key_hash     BYTEA NOT NULL,
    -- A list in JSON.
    scopes       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    -- When it was deleted, or ended with its maker's lock or suspension.
    revoked_at   BIGINT
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash);
CREATE INDEX api_keys_by_user ON api_keys (user_id, api_key_id);
CREATE INDEX api_keys_by_revocation ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at) WHERE expires_at IS NOT NULL;
