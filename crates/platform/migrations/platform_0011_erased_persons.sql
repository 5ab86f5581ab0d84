-- Persons that were erased here, so that what arrives about them later is not kept.
CREATE TABLE erased_persons (
    person         UUID PRIMARY KEY,
    erased_at      BIGINT NOT NULL,
    -- Whether the write-ahead log was truncated since, so that no file holds what was deleted.
    is_off_the_log BOOLEAN NOT NULL
);
CREATE INDEX erased_persons_on_the_log ON erased_persons (person) WHERE NOT is_off_the_log;
