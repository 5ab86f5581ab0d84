-- A customer's carts: one ACTIVE, and for a while those that were ordered or left alone.
CREATE TABLE carts (
    cart_id    UUID PRIMARY KEY,
    user_id    UUID NOT NULL,
    status     TEXT NOT NULL,
    currency   TEXT NOT NULL,
    -- The order that checked it out.
    order_id   UUID,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- When its owner last looked at it or changed it, give or take a tenth of the time after which it is abandoned.
    seen_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX carts_active_of_user ON carts (user_id) WHERE status = 'ACTIVE';
CREATE INDEX carts_active_by_seen ON carts (seen_at) WHERE status = 'ACTIVE';
CREATE INDEX carts_closed_by_time ON carts (updated_at) WHERE status <> 'ACTIVE';

-- The lines. `quantity`, `title_snapshot` and `unit_price_snapshot` are what was last shown and what an order takes;
-- `wanted_qty` and `added_unit_price` are what the customer asked for, so that a difference can be told.
CREATE TABLE cart_items (
    cart_item_id        UUID PRIMARY KEY,
    cart_id             UUID NOT NULL REFERENCES carts (cart_id),
    position            BIGINT NOT NULL,
    product_id          UUID NOT NULL,
    sku                 TEXT NOT NULL,
    title_snapshot      TEXT NOT NULL,
    unit_price_snapshot BIGINT NOT NULL,
    quantity            BIGINT NOT NULL,
    added_unit_price    BIGINT NOT NULL,
    wanted_qty          BIGINT NOT NULL
);
CREATE UNIQUE INDEX cart_items_product ON cart_items (cart_id, product_id);
