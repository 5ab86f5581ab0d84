-- When the expiry of a reservation is tried, NULL once it has ended, and how many tries failed. `expires_at` is what was promised.
ALTER TABLE reservations ADD COLUMN due_at BIGINT;
ALTER TABLE reservations ADD COLUMN failed_attempts BIGINT NOT NULL DEFAULT 0;
UPDATE reservations SET due_at = expires_at WHERE status = 'ACTIVE';
DROP INDEX reservations_due;
CREATE INDEX reservations_due ON reservations (due_at) WHERE due_at IS NOT NULL;
