-- One row: counts the changes of the tree. Whoever changes a category takes it first, so that the tree is changed by
-- one at a time and a copy of it in memory knows whether it is still the present one.
CREATE TABLE category_tree (
    tree_id  BIGINT PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO category_tree (tree_id, revision) VALUES (1, 0);

CREATE TABLE categories (
    category_id        UUID PRIMARY KEY,
    parent_category_id UUID REFERENCES categories (category_id),
    name               TEXT NOT NULL,
    -- The name as siblings are compared by.
    name_key           TEXT NOT NULL,
    -- The tree's revision when this category was last changed.
    revision           BIGINT NOT NULL
);
CREATE UNIQUE INDEX categories_by_parent_and_name ON categories (parent_category_id, name_key) WHERE parent_category_id IS NOT NULL;
CREATE UNIQUE INDEX categories_by_root_name ON categories (name_key) WHERE parent_category_id IS NULL;

-- Every category with each one above it and itself, at distance 0.
CREATE TABLE category_ancestors (
    category_id UUID NOT NULL REFERENCES categories (category_id),
    ancestor_id UUID NOT NULL REFERENCES categories (category_id),
    distance    BIGINT NOT NULL,
    PRIMARY KEY (category_id, ancestor_id)
);
CREATE INDEX category_ancestors_by_ancestor ON category_ancestors (ancestor_id);

-- Who may add to a group of variants: whoever named it first.
CREATE TABLE product_groups (
    product_group_id UUID PRIMARY KEY,
    seller_id        UUID,
    created_at       BIGINT NOT NULL
);

CREATE TABLE products (
    product_id       UUID PRIMARY KEY,
    seller_id        UUID,
    sku              TEXT NOT NULL,
    title            TEXT NOT NULL,
    description      TEXT NOT NULL,
    -- No foreign key: a category may go when only archived products are left in it.
    category_id      UUID,
    brand            TEXT,
    status           TEXT NOT NULL,
    price_amount     BIGINT NOT NULL,
    currency         TEXT NOT NULL,
    images           TEXT NOT NULL,
    attributes       TEXT NOT NULL,
    product_group_id UUID REFERENCES product_groups (product_group_id),
    options          TEXT NOT NULL,
    version          BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX products_by_sku ON products (sku);
CREATE INDEX products_by_status ON products (status, product_id);
CREATE INDEX products_by_seller ON products (seller_id, product_id);
CREATE INDEX products_by_seller_and_status ON products (seller_id, status, product_id);
CREATE INDEX products_by_category ON products (category_id, status);
CREATE INDEX products_by_group ON products (product_group_id, status, product_id);

-- In which categories a product is listed: its own and all above it. So the list of a category with all below it is one
-- range of one index, however many categories and products there are.
CREATE TABLE product_listing (
    product_id  UUID NOT NULL REFERENCES products (product_id),
    category_id UUID NOT NULL,
    seller_id   UUID,
    status      TEXT NOT NULL,
    PRIMARY KEY (product_id, category_id)
);
CREATE INDEX product_listing_by_category ON product_listing (category_id, product_id);
CREATE INDEX product_listing_by_status ON product_listing (category_id, status, product_id);
CREATE INDEX product_listing_by_seller ON product_listing (category_id, seller_id, product_id);
CREATE INDEX product_listing_by_seller_and_status ON product_listing (category_id, seller_id, status, product_id);

-- Categories that were moved or deleted, whose products are being listed anew, and how far that got.
CREATE TABLE relistings (
    category_id      UUID PRIMARY KEY,
    after_product_id UUID NOT NULL
);

-- Every price of every product, by the version of the product that brought it.
CREATE TABLE product_prices (
    product_id   UUID NOT NULL REFERENCES products (product_id),
    version      BIGINT NOT NULL,
    price_amount BIGINT NOT NULL,
    currency     TEXT NOT NULL,
    changed_at   BIGINT NOT NULL,
    PRIMARY KEY (product_id, version)
);
