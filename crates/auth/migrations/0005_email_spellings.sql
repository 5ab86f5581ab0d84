-- Addresses that are not plain ASCII get the one spelling of an address at the start (NFC, A-labels). Few accounts have one, and
-- the index finds them without reading the others.
CREATE INDEX credentials_not_ascii ON credentials (user_id) WHERE octet_length(email) <> length(email);
