-- The ledger. Postings and entries are only ever inserted; the entries of a posting add up to zero.
CREATE TABLE postings (
    posting_id        UUID PRIMARY KEY,
    -- Its place in the ledger, from 1.
    number            BIGINT NOT NULL,
    kind              TEXT NOT NULL,
    -- What caused it. One posting for each cause: a repeated event posts nothing.
    cause             TEXT NOT NULL,
    order_id          UUID,
    order_number      TEXT,
    fulfilment_id     UUID,
    seller_id         UUID,
    payout_id         UUID,
    -- The commission in it, for the seller's lines.
    commission_amount BIGINT NOT NULL,
    created_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX postings_cause ON postings (cause);
CREATE UNIQUE INDEX postings_number ON postings (number);
CREATE INDEX postings_by_order ON postings (order_id, number) WHERE order_id IS NOT NULL;
CREATE INDEX postings_by_seller ON postings (seller_id, number) WHERE seller_id IS NOT NULL;

-- The number of the last posting: one row.
CREATE TABLE posting_numbers (
    ledger_id BIGINT PRIMARY KEY,
    number    BIGINT NOT NULL
);

CREATE TABLE entries (
    posting_id     UUID NOT NULL REFERENCES postings (posting_id),
    position       BIGINT NOT NULL,
    -- Those of its posting.
    number         BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    account        TEXT NOT NULL,
    -- Whose account it is; null for accounts of the shop.
    seller_id      UUID,
    currency       TEXT NOT NULL,
    amount         BIGINT NOT NULL,
    -- The balance of the account afterwards.
    balance_amount BIGINT NOT NULL,
    PRIMARY KEY (posting_id, position)
);
CREATE INDEX entries_by_seller ON entries (seller_id, number, position) WHERE seller_id IS NOT NULL;
CREATE INDEX entries_by_seller_and_time ON entries (seller_id, created_at, number, position) WHERE seller_id IS NOT NULL;
CREATE INDEX entries_by_account ON entries (account, currency, created_at, number);

-- The running balance of each account: the sum of its entries.
CREATE TABLE balances (
    account    TEXT NOT NULL,
    currency   TEXT NOT NULL,
    seller_id  UUID,
    -- Set for accounts that are paid out.
    is_payable BOOLEAN NOT NULL,
    amount     BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, currency)
);
CREATE INDEX balances_by_seller ON balances (seller_id, currency) WHERE seller_id IS NOT NULL;
CREATE INDEX balances_payable ON balances (account, currency) WHERE is_payable = TRUE AND amount > 0;

-- One row for each order, which whatever is posted about the order locks.
CREATE TABLE orders (
    order_id        UUID PRIMARY KEY,
    -- What of the money of the customer went back.
    returned_amount BIGINT NOT NULL
);

-- The parts of orders that were sold.
CREATE TABLE sales (
    fulfilment_id     UUID PRIMARY KEY,
    order_id          UUID NOT NULL,
    order_number      TEXT NOT NULL,
    seller_id         UUID,
    currency          TEXT NOT NULL,
    -- The shares of each line, and what was reversed of them.
    shares            TEXT NOT NULL,
    -- The day of its confirmation, and what is left of it.
    day               TEXT NOT NULL,
    units             BIGINT NOT NULL,
    gross_amount      BIGINT NOT NULL,
    commission_amount BIGINT NOT NULL,
    net_amount        BIGINT NOT NULL,
    -- Null until its commission is known and its sale is posted.
    posted_at         BIGINT,
    -- When its categories are looked up, and how often that failed.
    rate_at           BIGINT,
    rate_attempts     BIGINT NOT NULL,
    -- When the seller's share becomes available, and when it did.
    release_at        BIGINT,
    release_attempts  BIGINT NOT NULL,
    released_at       BIGINT
);
CREATE INDEX sales_by_order ON sales (order_id, fulfilment_id);
CREATE INDEX sales_by_day ON sales (seller_id, day, currency) WHERE seller_id IS NOT NULL;
CREATE INDEX sales_to_rate ON sales (rate_at) WHERE rate_at IS NOT NULL;
CREATE INDEX sales_to_release ON sales (release_at) WHERE release_at IS NOT NULL;

-- Facts that wait until the sales that they are about are posted.
CREATE TABLE waiting_facts (
    fact_id  UUID PRIMARY KEY,
    order_id UUID NOT NULL,
    fact     TEXT NOT NULL
);
CREATE INDEX waiting_facts_by_order ON waiting_facts (order_id, fact_id);

CREATE TABLE commission_rates (
    position     BIGINT PRIMARY KEY,
    category_id  UUID,
    seller_id    UUID,
    basis_points BIGINT NOT NULL
);
