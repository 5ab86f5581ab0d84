-- Whether the amounts of an order contain its tax. Before this column tax was added to them.
ALTER TABLE orders ADD COLUMN prices_include_tax BOOLEAN NOT NULL DEFAULT FALSE;

-- The rate of a line in hundredths of a percent. Orders of earlier versions had one rate, which was not stored.
ALTER TABLE order_items ADD COLUMN tax_basis_points BIGINT;
