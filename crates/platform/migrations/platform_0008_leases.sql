-- What one of several processes does for all of them: the holder, and until when it holds the lease.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder UUID NOT NULL,
    held_until BIGINT NOT NULL
);
