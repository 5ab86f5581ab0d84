-- Plain names for the search index of users.
ALTER TABLE user_beginnings RENAME TO user_search_prefixes;
ALTER TABLE user_search_prefixes RENAME COLUMN beginning TO prefix;
DROP INDEX users_to_enter;
ALTER TABLE users RENAME COLUMN findable TO search_indexed;
CREATE INDEX users_to_index ON users (user_id) WHERE NOT search_indexed;
