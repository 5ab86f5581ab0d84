-- Whether the catalogue has the product on sale. Of copies that are older than this column it is not known and counts as no; the
-- catalogue is asked then.
ALTER TABLE products ADD COLUMN on_sale BOOLEAN NOT NULL DEFAULT FALSE;
