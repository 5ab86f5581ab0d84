-- The coupons that were entered into a cart.
CREATE TABLE cart_coupons (
    cart_id    UUID NOT NULL REFERENCES carts (cart_id),
    code       TEXT NOT NULL,
    entered_at BIGINT NOT NULL,
    PRIMARY KEY (cart_id, code)
);
-- The promotions that apply by themselves, as their events said, so that carts ask for discounts only while there are any.
CREATE TABLE automatic_promotions (
    promotion_id UUID PRIMARY KEY,
    starts_at    BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL
);
