-- One row for each user who ever applied to sell. The user's id is the seller's.
CREATE TABLE sellers (
    seller_id                 UUID PRIMARY KEY,
    status                    TEXT NOT NULL,
    -- Of the last decision.
    reason                    TEXT,
    shop_name                 TEXT NOT NULL,
    slug                      TEXT NOT NULL,
    -- Null for sellers from before there were applications, until they give them.
    legal_name                TEXT,
    country                   TEXT,
    contact_email             TEXT,
    description               TEXT NOT NULL,
    -- Encrypted with a key of the installation.
    sealed_payout_account     TEXT,
    -- As answers show it.
    masked_payout_account     TEXT,
    payouts_held_until        BIGINT,
    rating_average_hundredths BIGINT NOT NULL,
    rating_count              BIGINT NOT NULL,
    version                   BIGINT NOT NULL,
    applied_at                BIGINT NOT NULL,
    approved_at               BIGINT,
    updated_at                BIGINT NOT NULL
);
CREATE UNIQUE INDEX sellers_by_slug ON sellers (slug);
CREATE INDEX sellers_by_status ON sellers (status, seller_id);
