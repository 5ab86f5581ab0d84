-- The provider that a payment was made with. Its requests go to that one, whatever the program was started with later.
ALTER TABLE payments ADD COLUMN provider TEXT NOT NULL DEFAULT 'MOCK';
