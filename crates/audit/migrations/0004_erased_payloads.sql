-- An HMAC over a payload that lost fields when its user was erased. The payload digest is that of the whole payload.
ALTER TABLE events ADD COLUMN erasure_tag BYTEA;
