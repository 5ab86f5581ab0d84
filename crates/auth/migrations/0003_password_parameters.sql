-- How many accounts have a hash made with which parameters: an address without an account is compared with a hash of
-- parameters that some account could have, so that the time it takes tells nothing after the settings changed.
CREATE TABLE password_parameters (
    -- A PHC string up to its salt.
    parameters TEXT PRIMARY KEY,
    accounts   BIGINT NOT NULL
);
-- Behind the parameters stand a salt of 22 characters and a hash of 43, each after a dollar sign.
INSERT INTO password_parameters (parameters, accounts)
    SELECT substr(password_hash, 1, length(password_hash) - 67), COUNT(*) FROM credentials
    GROUP BY substr(password_hash, 1, length(password_hash) - 67);
