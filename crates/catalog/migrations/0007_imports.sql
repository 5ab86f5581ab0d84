-- Imports of CSV files. The rows of a file wait in chunks, and the chunk that comes next is the place where the import stands: it
-- moves in the transaction that writes the rows.
CREATE TABLE imports (
    import_id      UUID PRIMARY KEY,
    -- The seller whose products it may change; null for all.
    seller_id      UUID,
    kind           TEXT NOT NULL,
    mode           TEXT NOT NULL,
    status         TEXT NOT NULL,
    -- The names of the columns, as a list.
    header         TEXT NOT NULL,
    rows           BIGINT NOT NULL,
    -- Null until the whole file is here.
    chunk_count    BIGINT,
    next_chunk     BIGINT NOT NULL,
    rows_read      BIGINT NOT NULL,
    created        BIGINT NOT NULL,
    updated        BIGINT NOT NULL,
    unchanged      BIGINT NOT NULL,
    failed         BIGINT NOT NULL,
    error_count    BIGINT NOT NULL,
    failure        TEXT,
    correlation_id TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    due_at         BIGINT,
    attempts       BIGINT NOT NULL
);
CREATE INDEX imports_due ON imports (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX imports_running ON imports (status, seller_id);
CREATE INDEX imports_by_age ON imports (created_at);

CREATE TABLE import_chunks (
    import_id UUID NOT NULL REFERENCES imports (import_id),
    number    BIGINT NOT NULL,
    -- The records, as a list.
    records   TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
);

CREATE TABLE import_errors (
    import_id   UUID NOT NULL REFERENCES imports (import_id),
    number      BIGINT NOT NULL,
    row_number  BIGINT NOT NULL,
    column_name TEXT,
    code        TEXT NOT NULL,
    detail      TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
);
