-- Whether the user has shown to read the mails to the address.
ALTER TABLE contacts ADD COLUMN email_verified BOOLEAN NOT NULL DEFAULT FALSE;
