-- Customers who want to be told when a product can be bought again. An alert goes with the event that it triggers.
CREATE TABLE stock_alerts (
    stock_alert_id UUID PRIMARY KEY,
    user_id        UUID NOT NULL,
    product_id     UUID NOT NULL,
    -- The product's title when the customer asked.
    title_snapshot TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX stock_alerts_once ON stock_alerts (user_id, product_id);
CREATE INDEX stock_alerts_by_product ON stock_alerts (product_id, stock_alert_id);
CREATE INDEX stock_alerts_by_expiry ON stock_alerts (expires_at);

-- Products with alerts whose stock or sale began again, until their alerts were triggered.
CREATE TABLE products_back_in_stock (
    product_id      UUID PRIMARY KEY,
    due_at          BIGINT NOT NULL,
    failed_attempts BIGINT NOT NULL
);
CREATE INDEX products_back_in_stock_due ON products_back_in_stock (due_at);
