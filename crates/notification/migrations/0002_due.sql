-- What is due is looked for without the messages of users who have as many under way as one may have: the index alone
-- answers it.
DROP INDEX notifications_due;
CREATE INDEX notifications_due ON notifications (channel, due_at, user_id, notification_id) WHERE due_at IS NOT NULL;
