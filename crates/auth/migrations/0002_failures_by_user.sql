-- Failed logins are counted by network as well: an account has many rows, and forgets them together.
CREATE INDEX failed_logins_by_user ON failed_logins (user_id) WHERE user_id IS NOT NULL;
