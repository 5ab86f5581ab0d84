-- What integrators save with a user: the name in their system, and an object of texts in JSON.
ALTER TABLE users ADD COLUMN external_id TEXT;
ALTER TABLE users ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
CREATE INDEX users_by_external_id ON users (external_id, user_id) WHERE external_id IS NOT NULL;
