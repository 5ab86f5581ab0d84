-- Accounts: who can log in, and with what.
CREATE TABLE credentials (
    credential_id UUID PRIMARY KEY,
    user_id       UUID NOT NULL,
    -- In lower case, so that one address has one account.
    email         TEXT NOT NULL,
    -- A PHC string: algorithm, parameters, salt and hash.
    password_hash TEXT NOT NULL,
    -- LOCKED by an administrator. Locks by failed logins stand in failed_logins and end by themselves.
    status        TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX credentials_email ON credentials (email);
CREATE UNIQUE INDEX credentials_user ON credentials (user_id);

CREATE TABLE account_roles (
    user_id UUID NOT NULL,
    role    TEXT NOT NULL,
    PRIMARY KEY (user_id, role)
);
CREATE INDEX account_roles_by_role ON account_roles (role, user_id);

-- Wrong passwords, counted by what was guessed at, whether or not there is such an account: so the work and the
-- answers are the same for both.
CREATE TABLE failed_logins (
    -- SHA-256 of the kind of guess and the address or user.
    subject        BYTEA PRIMARY KEY,
    -- Set where there is an account.
    user_id        UUID,
    failed_count   BIGINT NOT NULL,
    last_failed_at BIGINT NOT NULL,
    blocked_until  BIGINT NOT NULL,
    -- Set while the end of a lock was not announced yet.
    locked_until   BIGINT
);
CREATE INDEX failed_logins_by_lock ON failed_logins (locked_until);
CREATE INDEX failed_logins_by_time ON failed_logins (last_failed_at);

-- All tokens that descend from one login are a family. Used ones stay until they expire: a second use tells a theft.
CREATE TABLE refresh_tokens (
    token_id   UUID PRIMARY KEY,
    family_id  UUID NOT NULL,
    user_id    UUID NOT NULL,
    -- SHA-256; the token itself is 32 random bytes that only its bearer has.
    token_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX refresh_tokens_hash ON refresh_tokens (token_hash);
CREATE INDEX refresh_tokens_live_by_family ON refresh_tokens (family_id) WHERE used_at IS NULL AND revoked_at IS NULL;
CREATE INDEX refresh_tokens_live_by_user ON refresh_tokens (user_id) WHERE used_at IS NULL AND revoked_at IS NULL;
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- Addresses that asked for a reset. A worker finds out whether there is an account, so that the request itself does
-- the same for every address.
CREATE TABLE reset_requests (
    email          TEXT PRIMARY KEY,
    correlation_id TEXT NOT NULL,
    requested_at   BIGINT NOT NULL
);
CREATE INDEX reset_requests_by_time ON reset_requests (requested_at);

CREATE TABLE reset_tokens (
    token_id   UUID PRIMARY KEY,
    user_id    UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX reset_tokens_hash ON reset_tokens (token_hash);
CREATE INDEX reset_tokens_by_user ON reset_tokens (user_id, created_at);
CREATE INDEX reset_tokens_by_expiry ON reset_tokens (expires_at);

-- Programs outside of the platform that get service tokens. Its own services need no row.
CREATE TABLE clients (
    client_id   TEXT PRIMARY KEY,
    -- SHA-256; secrets are made here, with 256 bits of chance.
    secret_hash BYTEA NOT NULL,
    -- Separated by spaces.
    scopes      TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);

-- The keys that sign access tokens, one generation after the other.
CREATE TABLE signing_keys (
    generation    BIGINT PRIMARY KEY,
    -- The private half, sealed with a key of the installation.
    sealed_seed   TEXT NOT NULL,
    -- It is published before, so that every verifier knows it by then.
    signs_from    BIGINT NOT NULL,
    -- The longest that a token signed with it can live.
    token_seconds BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
