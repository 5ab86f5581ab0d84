-- The seller of a line, its share of discounts and taxes, and how many of its units came back.
ALTER TABLE order_items ADD COLUMN seller_id UUID;
ALTER TABLE order_items ADD COLUMN discount_amount BIGINT NOT NULL DEFAULT 0;
ALTER TABLE order_items ADD COLUMN tax_amount BIGINT NOT NULL DEFAULT 0;
ALTER TABLE order_items ADD COLUMN returned_quantity BIGINT NOT NULL DEFAULT 0;
-- The parts of an order, which are read and written with it; null in an order of one part without a seller that is older than
-- parts are.
ALTER TABLE orders ADD COLUMN fulfilments TEXT;

-- The parts of sellers, by which each finds its own.
CREATE TABLE fulfilments (
    fulfilment_id UUID PRIMARY KEY,
    order_id      UUID NOT NULL REFERENCES orders (order_id),
    seller_id     UUID NOT NULL,
    status        TEXT NOT NULL
);
CREATE INDEX fulfilments_by_seller ON fulfilments (seller_id, fulfilment_id);
CREATE INDEX fulfilments_by_seller_and_status ON fulfilments (seller_id, status, fulfilment_id);
