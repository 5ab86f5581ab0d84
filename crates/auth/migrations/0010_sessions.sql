-- What a user is told of a login. Its refresh tokens have its id as their family.
CREATE TABLE sessions (
    session_id   UUID PRIMARY KEY,
    user_id      UUID NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    -- The kind of browser and system, and the network, both shortened; NULL when they are not known.
    user_agent   TEXT,
    network      TEXT
);
CREATE INDEX sessions_by_user ON sessions (user_id, session_id);
CREATE INDEX sessions_by_use ON sessions (last_used_at);
-- Logins from before.
INSERT INTO sessions (session_id, user_id, created_at, last_used_at)
    SELECT family_id, user_id, MIN(created_at), MAX(created_at) FROM refresh_tokens GROUP BY family_id, user_id;
