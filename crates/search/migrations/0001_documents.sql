-- What is known of each product that is or was on sale. The index is made from this table and nothing else.
CREATE TABLE documents (
    product_id  UUID PRIMARY KEY,
    sku         TEXT NOT NULL,
    category_id UUID,
    -- The catalogue's count of changes; an older copy changes nothing.
    version     BIGINT NOT NULL,
    -- The whole product as JSON; null once it is off sale, so that the index learns to forget it.
    product     TEXT,
    -- When it last changed, as the index counts: see `progress`.
    change_no   BIGINT NOT NULL
);
CREATE INDEX documents_by_change ON documents (change_no, product_id);
CREATE INDEX documents_by_category ON documents (category_id);
CREATE INDEX documents_by_sku ON documents (sku);

-- The tree of categories: paths and names of products come from here, so that a moved category moves them all.
CREATE TABLE categories (
    category_id        UUID PRIMARY KEY,
    name               TEXT NOT NULL,
    parent_category_id UUID
);
CREATE INDEX categories_by_parent ON categories (parent_category_id);

-- Stock may be known before its product is on sale, and outlives it.
CREATE TABLE stock (
    sku           TEXT PRIMARY KEY,
    available_qty BIGINT NOT NULL
);

-- One row. Its lock orders the changes: a unit that took a number commits before the next one is given.
CREATE TABLE progress (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    -- Tells this database from any other: an index made from another one is thrown away.
    lineage     UUID NOT NULL,
    -- The number of the last change.
    changes     BIGINT NOT NULL,
    -- The number of the last change of the tree of categories.
    tree_change BIGINT NOT NULL,
    -- Which index is wanted: a rebuild asks for the next one.
    generation  BIGINT NOT NULL
);
