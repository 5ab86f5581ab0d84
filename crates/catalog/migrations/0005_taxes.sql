-- Which of the tax rates of a destination counts for a product.
ALTER TABLE products ADD COLUMN tax_class TEXT NOT NULL DEFAULT 'STANDARD';

-- In hundredths of a percent. An empty state stands for the whole country.
CREATE TABLE tax_rates (
    country      TEXT NOT NULL,
    state        TEXT NOT NULL,
    tax_class    TEXT NOT NULL,
    basis_points BIGINT NOT NULL,
    PRIMARY KEY (country, state, tax_class)
);

-- Counts the replacements of the tax rates, so that a copy in memory knows whether it is the present one. It stands beside the
-- tree's revision because a look-up of products reads that row anyway.
ALTER TABLE category_tree ADD COLUMN tax_revision BIGINT NOT NULL DEFAULT 0;
