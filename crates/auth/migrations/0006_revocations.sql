-- What ends access tokens before they expire: logins that were revoked, and roles that were replaced.
CREATE INDEX refresh_tokens_by_revocation ON refresh_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE TABLE role_changes (
    user_id    UUID PRIMARY KEY,
    -- The last time. Tokens that were issued before may name roles that were taken away.
    changed_at BIGINT NOT NULL
);
CREATE INDEX role_changes_by_time ON role_changes (changed_at);
