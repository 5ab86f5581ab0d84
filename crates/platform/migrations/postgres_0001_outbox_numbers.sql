-- On PostgreSQL the identity of a row is no position: transactions commit in another order than they take identities. The
-- position is given after the commit, by one process at a time, and is dense.
ALTER TABLE outbox RENAME COLUMN position TO inserted;
ALTER TABLE outbox ADD COLUMN position BIGINT UNIQUE;
CREATE INDEX outbox_without_position ON outbox (inserted) WHERE position IS NULL;
