-- The provider's side. It lies in the same file and is never part of the same transaction: what is here may as well
-- be on the other side of the world.

-- What the provider did or refused, for ever. Keyed by the caller's id of the operation, so that one asked for twice is
-- done once.
CREATE TABLE mock_ledger (
    transaction_id   UUID PRIMARY KEY,
    reference        TEXT NOT NULL,
    kind             TEXT NOT NULL,
    -- The authorization that it is part of; its own id for an authorization.
    authorization_id UUID NOT NULL,
    amount           BIGINT NOT NULL,
    method           TEXT NOT NULL,
    -- Why it was refused; null when it was done.
    refusal          TEXT,
    created_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX mock_ledger_by_reference ON mock_ledger (reference);
CREATE INDEX mock_ledger_by_authorization ON mock_ledger (authorization_id);

-- How often an operation of pm_flaky failed so far.
CREATE TABLE mock_stumbles (
    transaction_id UUID PRIMARY KEY,
    times          BIGINT NOT NULL
);
