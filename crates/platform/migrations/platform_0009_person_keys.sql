-- The keys with which producers encrypt what their events say about a person: those of this service, and those of producers whose
-- events it consumes. Deleting the rows of a person erases it from every copy of these events.
CREATE TABLE person_keys (
    producer TEXT NOT NULL,
    person   UUID NOT NULL,
    key      BYTEA NOT NULL,
    PRIMARY KEY (producer, person)
);
