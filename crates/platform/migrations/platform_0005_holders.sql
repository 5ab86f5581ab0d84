-- The run of the program whose request has an open key: after a crash the key is free at once.
ALTER TABLE idempotency ADD COLUMN holder UUID;
