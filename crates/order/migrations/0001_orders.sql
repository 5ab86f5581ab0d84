CREATE TABLE orders (
    order_id          UUID PRIMARY KEY,
    order_number      TEXT NOT NULL,
    user_id           UUID NOT NULL,
    cart_id           UUID NOT NULL,
    status            TEXT NOT NULL,
    currency          TEXT NOT NULL,
    subtotal_amount   BIGINT NOT NULL,
    shipping_amount   BIGINT NOT NULL,
    tax_amount        BIGINT NOT NULL,
    discount_amount   BIGINT NOT NULL,
    total_amount      BIGINT NOT NULL,
    item_count        BIGINT NOT NULL,
    payment_id        UUID,
    payment_method    TEXT NOT NULL,
    saga              TEXT NOT NULL,
    shipping          TEXT NOT NULL,
    shipping_address  TEXT NOT NULL,
    billing_address   TEXT NOT NULL,
    failure           TEXT,
    -- When the saga looks at it next; null while nothing is due.
    due_at            BIGINT,
    -- Turns that ended without progress since the last progress.
    fruitless_turns   BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX orders_by_number ON orders (order_number);
-- A cart is ordered once.
CREATE UNIQUE INDEX orders_by_cart ON orders (cart_id);
CREATE INDEX orders_by_user ON orders (user_id, order_id);
CREATE INDEX orders_by_user_and_status ON orders (user_id, status, order_id);
CREATE INDEX orders_by_status ON orders (status, order_id);
CREATE INDEX orders_due ON orders (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE order_items (
    order_item_id       UUID PRIMARY KEY,
    order_id            UUID NOT NULL REFERENCES orders (order_id),
    line                BIGINT NOT NULL,
    product_id          UUID NOT NULL,
    sku                 TEXT NOT NULL,
    title_snapshot      TEXT NOT NULL,
    unit_price_snapshot BIGINT NOT NULL,
    quantity            BIGINT NOT NULL,
    line_total_amount   BIGINT NOT NULL
);
CREATE UNIQUE INDEX order_items_by_order ON order_items (order_id, line);

CREATE TABLE order_timeline (
    order_id    UUID NOT NULL REFERENCES orders (order_id),
    position    BIGINT NOT NULL,
    status      TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    reason      TEXT,
    PRIMARY KEY (order_id, position)
);
