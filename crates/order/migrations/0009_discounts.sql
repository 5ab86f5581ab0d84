-- The discounts of an order, frozen when it was placed. An order without any has no row.
CREATE TABLE order_discounts (
    order_id  UUID PRIMARY KEY REFERENCES orders (order_id),
    discounts TEXT NOT NULL
);
