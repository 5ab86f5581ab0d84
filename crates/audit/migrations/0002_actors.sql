-- Whose request the event followed from. Entries from before have none, and their hashes are as they were.
ALTER TABLE events ADD COLUMN actor_id UUID;
CREATE INDEX events_by_actor ON events (actor_id, occurred_at, position) WHERE actor_id IS NOT NULL;
