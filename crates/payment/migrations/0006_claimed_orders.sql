-- The orders of guests that an account has claimed. A payment that is made for one afterwards belongs to the account.
CREATE TABLE claimed_orders (
    order_id UUID PRIMARY KEY,
    user_id  UUID NOT NULL
);
