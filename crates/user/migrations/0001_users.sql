-- Profiles. E-mail and roles are copies of the account's.
CREATE TABLE users (
    user_id          UUID PRIMARY KEY,
    email            TEXT NOT NULL,
    name             TEXT NOT NULL,
    phone            TEXT,
    roles            TEXT NOT NULL,
    -- The number of the account's event that the roles come from; 0 when they come from a token or a call.
    account_sequence BIGINT NOT NULL,
    -- E-mail and name in lower case, for the search of administrators.
    search           TEXT NOT NULL,
    version          BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE INDEX users_by_email ON users (email, user_id);

CREATE TABLE addresses (
    address_id          UUID PRIMARY KEY,
    user_id             UUID NOT NULL REFERENCES users (user_id),
    label               TEXT NOT NULL,
    country             TEXT NOT NULL,
    state               TEXT NOT NULL,
    city                TEXT NOT NULL,
    zip                 TEXT NOT NULL,
    street              TEXT NOT NULL,
    number              TEXT NOT NULL,
    complement          TEXT NOT NULL,
    is_default_shipping BOOLEAN NOT NULL,
    is_default_billing  BOOLEAN NOT NULL,
    version             BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);
CREATE INDEX addresses_by_user ON addresses (user_id, address_id);
CREATE UNIQUE INDEX addresses_default_shipping ON addresses (user_id) WHERE is_default_shipping;
CREATE UNIQUE INDEX addresses_default_billing ON addresses (user_id) WHERE is_default_billing;

-- A user without a row has the usual preferences.
CREATE TABLE preferences (
    user_id       UUID PRIMARY KEY REFERENCES users (user_id),
    email_enabled BOOLEAN NOT NULL,
    sms_enabled   BOOLEAN NOT NULL,
    webhook_url   TEXT,
    version       BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
