-- What the receiver of a user's webhooks said about its address: the address that answered 410, and until when it wants nothing.
ALTER TABLE contacts ADD COLUMN gone_webhook_url TEXT;
ALTER TABLE contacts ADD COLUMN webhook_resumes_at BIGINT;
