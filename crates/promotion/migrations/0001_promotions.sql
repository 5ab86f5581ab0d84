CREATE TABLE promotions (
    promotion_id       UUID PRIMARY KEY,
    -- The seller who made it; NULL for the shop.
    seller_id          UUID,
    status             TEXT NOT NULL,
    title              TEXT NOT NULL,
    kind               TEXT NOT NULL,
    value              BIGINT,
    currency           TEXT,
    buy_quantity       BIGINT,
    get_quantity       BIGINT,
    -- In upper case; NULL when it applies by itself.
    code               TEXT,
    conditions         TEXT NOT NULL,
    starts_at          BIGINT,
    ends_at            BIGINT,
    total_limit        BIGINT,
    per_customer_limit BIGINT,
    priority           BIGINT NOT NULL,
    exclusive          BOOLEAN NOT NULL,
    -- The uses that are RESERVED or CONFIRMED.
    used_count         BIGINT NOT NULL CHECK (used_count >= 0),
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    -- When it ends by itself, while it is ACTIVE or PAUSED.
    due_at             BIGINT,
    failed_attempts    BIGINT NOT NULL DEFAULT 0,
    CHECK (total_limit IS NULL OR used_count <= total_limit)
);
-- A code names one promotion until that has ended.
CREATE UNIQUE INDEX promotions_by_code ON promotions (code) WHERE status <> 'ENDED';
CREATE INDEX promotions_ended_by_code ON promotions (code, promotion_id) WHERE status = 'ENDED';
CREATE INDEX promotions_automatic ON promotions (promotion_id) WHERE status = 'ACTIVE' AND code IS NULL;
CREATE INDEX promotions_by_status ON promotions (status, promotion_id);
CREATE INDEX promotions_by_seller ON promotions (seller_id, promotion_id);
CREATE INDEX promotions_due ON promotions (due_at) WHERE due_at IS NOT NULL;

-- A use of a promotion by one order.
CREATE TABLE promotion_uses (
    promotion_use_id UUID PRIMARY KEY,
    promotion_id     UUID NOT NULL REFERENCES promotions (promotion_id),
    order_id         UUID NOT NULL,
    user_id          UUID NOT NULL,
    seller_id        UUID,
    status           TEXT NOT NULL,
    currency         TEXT NOT NULL,
    amount           BIGINT NOT NULL,
    -- Whether it counts in `promotion_customers` as the customer's use of a promotion for first orders.
    is_first_order   BOOLEAN NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    -- When the order is asked for, because nothing was heard of it.
    due_at           BIGINT,
    failed_attempts  BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX promotion_uses_by_order ON promotion_uses (order_id, promotion_id);
CREATE INDEX promotion_uses_due ON promotion_uses (due_at) WHERE due_at IS NOT NULL;

-- How many uses of a customer count, of promotions with a limit per customer. The nil id stands for all promotions for first
-- orders together.
CREATE TABLE promotion_customers (
    promotion_id UUID NOT NULL,
    user_id      UUID NOT NULL,
    used_count   BIGINT NOT NULL CHECK (used_count >= 0),
    PRIMARY KEY (promotion_id, user_id)
);
