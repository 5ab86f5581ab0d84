-- Whose an order is, so that its customer is told that nothing was delivered yet, and others see nothing.
CREATE TABLE orders (
    order_id UUID PRIMARY KEY,
    user_id  UUID NOT NULL
);

-- The lines of orders that were delivered, with what was paid for them and how much of it is on its way back.
CREATE TABLE delivered_items (
    order_item_id     UUID PRIMARY KEY,
    order_id          UUID NOT NULL,
    order_number      TEXT NOT NULL,
    fulfilment_id     UUID NOT NULL,
    user_id           UUID NOT NULL,
    seller_id         UUID,
    product_id        UUID NOT NULL,
    sku               TEXT NOT NULL,
    title_snapshot    TEXT NOT NULL,
    currency          TEXT NOT NULL,
    quantity          BIGINT NOT NULL,
    line_total_amount BIGINT NOT NULL,
    discount_amount   BIGINT NOT NULL,
    tax_amount        BIGINT NOT NULL,
    delivered_at      BIGINT NOT NULL,
    -- Units in returns that were not rejected, cancelled or closed without the goods.
    taken_quantity    BIGINT NOT NULL,
    -- Units that came back.
    received_quantity BIGINT NOT NULL
);
CREATE INDEX delivered_items_by_order ON delivered_items (order_id, order_item_id);
CREATE INDEX delivered_items_by_fulfilment ON delivered_items (fulfilment_id, order_item_id);

CREATE TABLE returns (
    return_id       UUID PRIMARY KEY,
    order_id        UUID NOT NULL,
    order_number    TEXT NOT NULL,
    fulfilment_id   UUID NOT NULL,
    user_id         UUID NOT NULL,
    seller_id       UUID,
    status          TEXT NOT NULL,
    by_carrier      BOOLEAN NOT NULL,
    lines           TEXT NOT NULL,
    currency        TEXT NOT NULL,
    refund_amount   BIGINT NOT NULL,
    refunded_amount BIGINT,
    carrier         TEXT,
    tracking_number TEXT,
    rejection       TEXT,
    send_until      BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    -- When an APPROVED return is closed because the goods were not sent, and when a REFUNDED one is closed.
    due_at          BIGINT,
    attempts        BIGINT NOT NULL
);
CREATE INDEX returns_by_order ON returns (order_id, status);
CREATE INDEX returns_by_user ON returns (user_id, return_id);
CREATE INDEX returns_by_user_and_status ON returns (user_id, status, return_id);
CREATE INDEX returns_by_seller ON returns (seller_id, return_id);
CREATE INDEX returns_by_seller_and_status ON returns (seller_id, status, return_id);
CREATE INDEX returns_by_status ON returns (status, return_id);
CREATE INDEX returns_due ON returns (due_at) WHERE due_at IS NOT NULL;
