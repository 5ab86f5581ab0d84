-- A profile that begins from a token has no name yet: the address stands in for it until the account tells the name or the
-- user chooses one.
ALTER TABLE users ADD COLUMN provisional BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE users SET provisional = TRUE WHERE name = email AND account_sequence = 0;
