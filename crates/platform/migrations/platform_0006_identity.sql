-- This database: one row, made with it.
CREATE TABLE database_identity (
    database_id   UUID PRIMARY KEY,
    service       TEXT NOT NULL,
    -- Derived from the installation's secret. Null until the services ran once.
    secret_mark   BYTEA,
    -- Whether it replaces a lost one, and its consumers did not begin yet.
    replaces_lost BOOLEAN NOT NULL
);

-- Every database of the installation. A service has several after it lost one.
CREATE TABLE known_databases (
    database_id UUID PRIMARY KEY,
    service     TEXT NOT NULL
);

-- The database and the event that a position stands on. Null for a position from before this migration.
ALTER TABLE subscriptions ADD COLUMN database_id UUID;
ALTER TABLE subscriptions ADD COLUMN event_id UUID;
-- When and from where the position went back last, because the producer did not have the event.
ALTER TABLE subscriptions ADD COLUMN rewound_at BIGINT;
ALTER TABLE subscriptions ADD COLUMN rewound_from BIGINT;
