-- An event may concern two users, or one user in two ways; several events may tell of one parcel or one cancelled part.
ALTER TABLE notifications ADD COLUMN subject_id UUID;
DROP INDEX notifications_event_channel;
CREATE UNIQUE INDEX notifications_once_per_event ON notifications (event_id, user_id, type, channel);
CREATE UNIQUE INDEX notifications_once_per_subject ON notifications (subject_id, user_id, type, channel) WHERE subject_id IS NOT NULL;
