-- The user whose request an answer was given to, so that the erasure of the user finds it. Rows of earlier builds have none.
ALTER TABLE idempotency ADD COLUMN owner UUID;
