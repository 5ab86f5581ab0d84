-- The list of administrators by the highest amount.
CREATE INDEX payouts_by_amount ON payouts (amount, payout_id);
