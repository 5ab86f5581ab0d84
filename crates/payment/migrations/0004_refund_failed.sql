-- Captured payments with a failure still owe a refund, because the provider refused it.
CREATE INDEX payments_failed_by_status ON payments (status, payment_id) WHERE failure IS NOT NULL;
