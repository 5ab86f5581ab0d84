-- What a refund of a part is for: a cancelled fulfilment, or a return. One cause is refunded once.
ALTER TABLE payment_transactions ADD COLUMN cause_id UUID;
CREATE UNIQUE INDEX payment_transactions_once_per_cause ON payment_transactions (payment_id, cause_id)
    WHERE cause_id IS NOT NULL AND status <> 'FAILED';
