-- The channels of some types of messages, in the place of the switches: an object in JSON.
ALTER TABLE preferences ADD COLUMN channels TEXT NOT NULL DEFAULT '{}';
