-- Which process works on which due row: processes that share the database divide the due work by it.
CREATE TABLE due_claims (
    worker TEXT NOT NULL,
    row_key TEXT NOT NULL,
    holder UUID NOT NULL,
    held_until BIGINT NOT NULL,
    PRIMARY KEY (worker, row_key)
);
