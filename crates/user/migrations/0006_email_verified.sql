-- Whether the user showed to read the mails to the address: a copy of the account's.
ALTER TABLE users ADD COLUMN email_verified BOOLEAN NOT NULL DEFAULT FALSE;
