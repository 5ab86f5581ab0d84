-- The digest of the payload, which the hash covers. NULL in entries that still have a hash of the former chain.
ALTER TABLE events ADD COLUMN payload_digest BYTEA;

-- The tag of the head, which only the installation can make.
ALTER TABLE chain_heads ADD COLUMN tag BYTEA;

-- The end of the chain without a key, and where it was broken when its entries were chained anew.
CREATE TABLE former_chains (
    chain     TEXT PRIMARY KEY,
    position  BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    broken_at BIGINT
);
INSERT INTO former_chains (chain, position, hash) SELECT chain, position, hash FROM chain_heads;
DELETE FROM chain_heads;
