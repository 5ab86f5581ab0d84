-- The carrier that took the parcel. The parcel is cancelled with that one, whatever the program was started with later.
ALTER TABLE shipments ADD COLUMN carrier TEXT NOT NULL DEFAULT 'MOCK';

-- Orders that were cancelled before any other event of them arrived.
ALTER TABLE called_off RENAME TO cancelled_before_booking;
