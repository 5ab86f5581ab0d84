-- Whether the total of a delivered line contains its tax. Before this column tax was added to it.
ALTER TABLE delivered_items ADD COLUMN prices_include_tax BOOLEAN NOT NULL DEFAULT FALSE;
