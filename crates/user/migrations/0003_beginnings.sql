-- What administrators find users by: the beginnings of the words in e-mail and name, so that a search is a look into an
-- index however many users there are.
CREATE TABLE user_beginnings (
    -- In lower case.
    beginning TEXT NOT NULL,
    user_id   UUID NOT NULL,
    PRIMARY KEY (beginning, user_id)
);
-- Users from before the table was there are entered by a worker.
ALTER TABLE users ADD COLUMN findable BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX users_to_enter ON users (user_id) WHERE NOT findable;
ALTER TABLE users DROP COLUMN search;
