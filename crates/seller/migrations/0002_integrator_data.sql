-- What integrators save with a seller: the name in their system, and an object of texts in JSON.
ALTER TABLE sellers ADD COLUMN external_id TEXT;
ALTER TABLE sellers ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
CREATE INDEX sellers_by_external_id ON sellers (external_id, seller_id) WHERE external_id IS NOT NULL;
