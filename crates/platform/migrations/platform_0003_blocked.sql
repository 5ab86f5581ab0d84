-- Failed events behind an earlier one of their aggregate are BLOCKED; they were stored as WAITING.
UPDATE parked_events SET status = 'BLOCKED' WHERE status = 'WAITING';
