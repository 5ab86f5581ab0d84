-- What the catalogue said of each product: whose it is, and which SKU it has.
CREATE TABLE products (
    product_id UUID PRIMARY KEY,
    seller_id  UUID,
    sku        TEXT NOT NULL,
    archived   BOOLEAN NOT NULL,
    -- The catalogue's count of changes; an older copy changes nothing.
    version    BIGINT NOT NULL
);
CREATE UNIQUE INDEX products_by_sku ON products (sku);

CREATE TABLE stock_items (
    stock_item_id       UUID PRIMARY KEY,
    sku                 TEXT NOT NULL,
    product_id          UUID NOT NULL,
    -- A copy of the product's, so that a seller's list has an index.
    seller_id           UUID,
    available_qty       BIGINT NOT NULL CHECK (available_qty >= 0),
    reserved_qty        BIGINT NOT NULL CHECK (reserved_qty >= 0),
    low_stock_threshold BIGINT NOT NULL,
    -- Counts the changes of this row from 1: its ETag.
    version             BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);
CREATE UNIQUE INDEX stock_items_by_sku ON stock_items (sku);
CREATE INDEX stock_items_by_product ON stock_items (product_id);
CREATE INDEX stock_items_by_seller ON stock_items (seller_id, stock_item_id);
CREATE INDEX stock_items_low ON stock_items (stock_item_id) WHERE available_qty <= low_stock_threshold;
CREATE INDEX stock_items_low_by_seller ON stock_items (seller_id, stock_item_id) WHERE available_qty <= low_stock_threshold;

CREATE TABLE reservations (
    reservation_id UUID PRIMARY KEY,
    order_id       UUID NOT NULL,
    status         TEXT NOT NULL,
    expires_at     BIGINT NOT NULL,
    returned_at    BIGINT,
    created_at     BIGINT NOT NULL
);
-- An order holds or has bought its units once.
CREATE UNIQUE INDEX reservations_live_by_order ON reservations (order_id)
    WHERE status IN ('ACTIVE', 'CONFIRMED') AND returned_at IS NULL;
CREATE INDEX reservations_due ON reservations (expires_at) WHERE status = 'ACTIVE';

CREATE TABLE reservation_lines (
    reservation_line_id UUID PRIMARY KEY,
    reservation_id      UUID NOT NULL REFERENCES reservations (reservation_id),
    stock_item_id       UUID NOT NULL REFERENCES stock_items (stock_item_id),
    -- As it was when the order was placed.
    sku                 TEXT NOT NULL,
    quantity            BIGINT NOT NULL CHECK (quantity > 0)
);
CREATE UNIQUE INDEX reservation_lines_by_reservation ON reservation_lines (reservation_id, sku);

-- Every change of every quantity, never altered: what the quantities are checked against.
CREATE TABLE stock_movements (
    movement_id     UUID PRIMARY KEY,
    stock_item_id   UUID NOT NULL REFERENCES stock_items (stock_item_id),
    delta_available BIGINT NOT NULL,
    delta_reserved  BIGINT NOT NULL,
    reason          TEXT NOT NULL,
    reservation_id  UUID REFERENCES reservations (reservation_id),
    note            TEXT,
    occurred_at     BIGINT NOT NULL
);
-- A reservation moves an item's units at most once in each way.
CREATE UNIQUE INDEX stock_movements_by_reservation ON stock_movements (reservation_id, stock_item_id, reason)
    WHERE reservation_id IS NOT NULL;
