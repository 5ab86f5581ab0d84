-- Customers who chose to be reminded of a cart that they left, or did once.
CREATE TABLE cart_reminders (
    user_id          UUID PRIMARY KEY,
    -- When the cart is looked at next; null after the customer chose otherwise.
    due_at           BIGINT,
    failed_attempts  BIGINT NOT NULL,
    -- The last cart that the customer was reminded of.
    reminded_cart_id UUID
);
CREATE INDEX cart_reminders_due ON cart_reminders (due_at) WHERE due_at IS NOT NULL;
