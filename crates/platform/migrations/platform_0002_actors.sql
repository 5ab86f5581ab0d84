-- Whose request an event followed from: the verified caller, if it was a person.
ALTER TABLE outbox ADD COLUMN actor_id UUID;
