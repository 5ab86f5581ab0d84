-- Accounts that were locked before other services copied the status of accounts. Each lock is announced once more at the next start.
CREATE TABLE unannounced_locks (
    user_id UUID PRIMARY KEY
);
INSERT INTO unannounced_locks (user_id) SELECT user_id FROM credentials WHERE status = 'LOCKED';
