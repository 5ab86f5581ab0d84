-- Uploaded pictures. Their files are in the store of pictures, under names made of these columns.
CREATE TABLE pictures (
    picture_id      UUID PRIMARY KEY,
    -- Null for the shop's own.
    seller_id       UUID,
    format          TEXT NOT NULL,
    small_width     BIGINT NOT NULL,
    small_height    BIGINT NOT NULL,
    medium_width    BIGINT NOT NULL,
    medium_height   BIGINT NOT NULL,
    large_width     BIGINT NOT NULL,
    large_height    BIGINT NOT NULL,
    -- All sizes together.
    bytes           BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    -- When the picture is removed unless a product shows it. Null while one does.
    due_at          BIGINT,
    failed_attempts BIGINT NOT NULL DEFAULT 0,
    -- Its files are being deleted, so it cannot be shown again.
    is_removing     BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX pictures_by_seller ON pictures (seller_id);
CREATE INDEX pictures_due ON pictures (due_at) WHERE due_at IS NOT NULL;

-- Which products show a picture.
CREATE TABLE product_pictures (
    product_id UUID NOT NULL REFERENCES products (product_id),
    picture_id UUID NOT NULL REFERENCES pictures (picture_id),
    PRIMARY KEY (product_id, picture_id)
);
CREATE INDEX product_pictures_by_picture ON product_pictures (picture_id);
