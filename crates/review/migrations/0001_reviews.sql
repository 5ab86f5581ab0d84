-- The items of confirmed orders that were not delivered yet. They become purchases with the delivery.
CREATE TABLE ordered_items (
    order_item_id  UUID PRIMARY KEY,
    order_id       UUID NOT NULL,
    user_id        UUID NOT NULL,
    product_id     UUID NOT NULL,
    title_snapshot TEXT NOT NULL
);
CREATE INDEX ordered_items_by_order ON ordered_items (order_id);

-- The products that were delivered to a customer, each with the first order that delivered it.
CREATE TABLE purchases (
    user_id        UUID NOT NULL,
    product_id     UUID NOT NULL,
    order_id       UUID NOT NULL,
    title_snapshot TEXT NOT NULL,
    delivered_at   BIGINT NOT NULL,
    PRIMARY KEY (user_id, product_id)
);

-- The products that have or had a review, with their published reviews by stars.
CREATE TABLE product_ratings (
    product_id UUID PRIMARY KEY,
    seller_id  UUID,
    one        BIGINT NOT NULL,
    two        BIGINT NOT NULL,
    three      BIGINT NOT NULL,
    four       BIGINT NOT NULL,
    five       BIGINT NOT NULL
);

-- The published reviews of all products of a seller by stars.
CREATE TABLE seller_ratings (
    seller_id UUID PRIMARY KEY,
    one       BIGINT NOT NULL,
    two       BIGINT NOT NULL,
    three     BIGINT NOT NULL,
    four      BIGINT NOT NULL,
    five      BIGINT NOT NULL
);

CREATE TABLE reviews (
    review_id      UUID PRIMARY KEY,
    product_id     UUID NOT NULL REFERENCES product_ratings (product_id),
    seller_id      UUID,
    user_id        UUID NOT NULL,
    order_id       UUID NOT NULL,
    title_snapshot TEXT NOT NULL,
    rating         BIGINT NOT NULL,
    title          TEXT,
    body           TEXT,
    status         TEXT NOT NULL,
    reason         TEXT,
    -- Whether an administrator ever rejected it. The next review by this author of this product is not published at once.
    was_rejected   BOOLEAN NOT NULL,
    answer         TEXT,
    answer_author  TEXT,
    answered_at    BIGINT,
    helpful_count  BIGINT NOT NULL,
    flag_count     BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
-- A customer has one review of a product, beside those that were withdrawn.
CREATE UNIQUE INDEX reviews_by_author ON reviews (user_id, product_id) WHERE status <> 'WITHDRAWN';
CREATE INDEX reviews_by_user ON reviews (user_id, review_id);
CREATE INDEX reviews_of_product ON reviews (product_id, status, review_id);
CREATE INDEX reviews_of_product_by_rating ON reviews (product_id, status, rating, review_id);
CREATE INDEX reviews_of_product_by_votes ON reviews (product_id, status, helpful_count, review_id);
CREATE INDEX reviews_by_status ON reviews (status, review_id);
CREATE INDEX reviews_flagged ON reviews (review_id) WHERE flag_count > 0;

-- Helpful votes and reports: one of each for a customer and a review.
CREATE TABLE review_votes (
    review_id  UUID NOT NULL REFERENCES reviews (review_id),
    user_id    UUID NOT NULL,
    -- HELPFUL or FLAG.
    kind       TEXT NOT NULL,
    reason     TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (review_id, kind, user_id)
);
