-- Mails of erased users, whose files in the folder of mails are to be deleted.
CREATE TABLE erased_mails (
    notification_id UUID PRIMARY KEY,
    -- The last file may appear until then.
    until           BIGINT NOT NULL
);
CREATE INDEX erased_mails_by_time ON erased_mails (until);
