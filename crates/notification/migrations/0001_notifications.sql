-- Whom to write to, and how they want to be told: copies of what auth and user announced.
CREATE TABLE contacts (
    user_id       UUID PRIMARY KEY,
    email         TEXT,
    name          TEXT NOT NULL,
    phone         TEXT,
    email_enabled BOOLEAN NOT NULL,
    sms_enabled   BOOLEAN NOT NULL,
    webhook_url   TEXT,
    -- The number of the last event of the user service that is in here; 0 for none.
    sequence      BIGINT NOT NULL
);

-- One message over one channel.
CREATE TABLE notifications (
    notification_id UUID PRIMARY KEY,
    -- The event that it tells of, and the request that the event began with.
    event_id        UUID NOT NULL,
    correlation_id  TEXT NOT NULL,
    user_id         UUID NOT NULL,
    order_id        UUID,
    type            TEXT NOT NULL,
    channel         TEXT NOT NULL,
    -- Where it goes when that is not for the contact to say.
    recipient       TEXT,
    payload         TEXT NOT NULL,
    -- A secret of the message as it was sealed by its maker. It is opened for the message itself and nowhere else.
    sealed_token    TEXT,
    status          TEXT NOT NULL,
    -- Attempts in all, those since it was made or last sent again by hand, and how often it was.
    attempts        BIGINT NOT NULL,
    tries           BIGINT NOT NULL,
    resends         BIGINT NOT NULL,
    last_error      TEXT,
    -- When it is to be tried; while it is being tried, when it may be taken over. NULL at rest.
    due_at          BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX notifications_event_channel ON notifications (event_id, channel);
CREATE INDEX notifications_due ON notifications (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notifications_by_user ON notifications (user_id, notification_id);
CREATE INDEX notifications_by_status ON notifications (status, notification_id);
CREATE INDEX notifications_by_user_status ON notifications (user_id, status, notification_id);

-- What was tried.
CREATE TABLE notification_attempts (
    notification_id UUID NOT NULL,
    attempt         BIGINT NOT NULL,
    outcome         TEXT NOT NULL,
    detail          TEXT NOT NULL,
    occurred_at     BIGINT NOT NULL,
    PRIMARY KEY (notification_id, attempt)
);
