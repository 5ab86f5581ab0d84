-- The two tables that every event writes have no tree besides that of their key. Ids sort by time, so new rows come at its end,
-- and the oldest rows are found without an index of times.
CREATE TABLE consumed_events (
    event_id UUID PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO consumed_events (event_id) SELECT event_id FROM inbox ORDER BY event_id;
DROP TABLE inbox;
ALTER TABLE consumed_events RENAME TO inbox;

CREATE TABLE numbered_aggregates (
    aggregate_id UUID PRIMARY KEY,
    sequence     BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO numbered_aggregates (aggregate_id, sequence) SELECT aggregate_id, sequence FROM aggregates ORDER BY aggregate_id;
DROP TABLE aggregates;
ALTER TABLE numbered_aggregates RENAME TO aggregates;
