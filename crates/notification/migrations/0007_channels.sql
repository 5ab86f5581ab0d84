-- The channels of some types of messages, in the place of the switches: an object in JSON.
ALTER TABLE contacts ADD COLUMN chosen_channels TEXT NOT NULL DEFAULT '{}';
