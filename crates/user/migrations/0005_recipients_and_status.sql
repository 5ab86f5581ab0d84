-- Who receives parcels at an address; null where the user's name stands in.
ALTER TABLE addresses ADD COLUMN recipient TEXT;
ALTER TABLE addresses ADD COLUMN company TEXT;
ALTER TABLE addresses ADD COLUMN phone TEXT;

-- A copy of the account's.
ALTER TABLE users ADD COLUMN status TEXT NOT NULL DEFAULT 'ACTIVE';

-- The search index holds folded words, roles and statuses. A worker indexes every user anew.
DELETE FROM user_search_prefixes;
UPDATE users SET search_indexed = FALSE;
